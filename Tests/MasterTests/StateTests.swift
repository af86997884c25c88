// RUNTIME/state: what is written is read, and what is torn costs no more than itself.

import Foundation
import Glibc
import Shared
import Testing

@testable import Policy
@testable import master

@Suite struct StateTests {
    private static let boot = "11111111-2222-3333-4444-555555555555"

    private func record(_ name: UserName, processes: Int = 1) -> UserRecord {
        var record = UserRecord()
        record.name = name
        record.generation = 9
        record.restarts = 3
        var settings = RestartSettings()
        settings.loopDeaths = 2
        for second in 1...3 {
            _ = record.history.died(
                at: Instant(nanoseconds: Int64(second) * 1_000_000_000), readySince: nil, settings: settings,
                chance: 0.5)
        }
        record.waitsUntil = Instant(nanoseconds: 77)
        record.failedPlan = 5
        for number in 0..<processes {
            var process = ProcessRecord()
            process.generation = UInt64(number + 1)
            process.socket = 1
            process.pid = 100
            process.startTime = 12345
            process.stage = .draining
            process.readyAt = Instant(nanoseconds: 5)
            process.fingerprint = .max
            process.database = String(repeating: "d", count: 40)
            record.processes.append(process)
        }
        return record
    }

    private func withFile(_ body: (String) throws -> Void) throws {
        let path = "/tmp/state-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        defer { unlink(path) }
        try body(path)
    }

    private func read(_ path: String) throws -> (records: [UserRecord], damaged: Int) {
        let content = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let (records, damaged) = try StateTable.records(content, boot: Self.boot)
        return (records.sorted { $0.name < $1.name }, damaged)
    }

    @Test func whatIsSavedIsRead() throws {
        try withFile { path in
            let file = try StateFile(path, boot: Self.boot, records: [record(alice)])
            #expect(try read(path).records == [record(alice)])
            var changed = record(alice)
            for restarts in 0...5 {
                changed.restarts = restarts
                try file.save(changed)
                try file.save(record(bob))
                #expect(try read(path).records == [changed, record(bob)])
            }
            try file.erase(alice)
            #expect(try read(path).records == [record(bob)])
            try file.erase(alice)
            // More users than the file has room for at first.
            let names = (1...500).compactMap { UserName("user-\($0)") }
            for name in names { try file.save(record(name)) }
            #expect(try read(path).records.count == 501)
            // The next master's file replaces this one.
            let next = try StateFile(path, boot: Self.boot, records: [record(bob)])
            #expect(try read(path).records == [record(bob)])
            try next.save(record(alice))
            #expect(try read(path).records.count == 2)
        }
    }

    /// Whatever byte is wrong: the copy before the last one stands in.
    @Test func aTornWriteLeavesTheCopyBeforeIt() throws {
        try withFile { path in
            let file = try StateFile(path, boot: Self.boot, records: [])
            try file.save(record(alice))
            var later = record(alice)
            later.restarts = 4
            try file.save(later)
            let content = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let last = StateTable.offset(slot: 0, number: 2)
            let size = try StateTable.copy(later, number: 2).count
            for index in last..<last + size {
                var torn = content
                torn[index] ^= 0xA5
                let (records, damaged) = try StateTable.records(torn, boot: Self.boot)
                #expect(records == [record(alice)] && damaged == 0, "byte \(index)")
            }
        }
    }

    @Test func aSlotWithoutAWholeCopyIsCounted() throws {
        try withFile { path in
            let file = try StateFile(path, boot: Self.boot, records: [record(alice), record(bob)])
            try file.save(record(bob))
            var content = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            for number: UInt64 in [1, 2] { content[StateTable.offset(slot: 1, number: number) + 20] ^= 1 }
            let (records, damaged) = try StateTable.records(content, boot: Self.boot)
            #expect(records == [record(alice)])
            #expect(damaged == 1)
        }
    }

    @Test func whatIsNoStateIsRefused() throws {
        let header = StateTable.header(boot: Self.boot)
        for content in [[], Array("x".utf8), Array(header.dropLast()), [UInt8](repeating: 0, count: 4096)] {
            #expect(throws: StateTable.Damage.header) { try StateTable.records(content, boot: Self.boot) }
        }
        #expect(throws: StateTable.Damage.earlierBoot) { try StateTable.records(header, boot: "another") }
        // What follows the boot's name says nothing.
        #expect(try StateTable.records(header.dropLast() + [1], boot: Self.boot).records.isEmpty)
        #expect(try StateTable.records(header, boot: Self.boot).records.isEmpty)
    }

    @Test func twoProcessesWithTheLongestNamesFit() throws {
        let longest = String(repeating: "v", count: 40)
        var record = record(UserName(longest) ?? alice, processes: 2)
        (record.version, record.formerVersion) = (longest, longest)
        record.database = String(repeating: "d", count: 63)
        for index in record.processes.indices {
            record.processes[index].version = longest
            record.processes[index].database = record.database
        }
        let copy = try StateTable.copy(record, number: 1)
        let file = StateTable.header(boot: Self.boot) + [UInt8](repeating: 0, count: StateTable.slotSize / 2) + copy
        let padded = file + [UInt8](repeating: 0, count: 2 * StateTable.slotSize - file.count)
        #expect(try StateTable.records(padded, boot: Self.boot).records == [record])
    }

    @Test func aRecordThatIsTooLongLosesItsLastProcesses() throws {
        let copy = try StateTable.copy(record(alice, processes: 40), number: 1)
        #expect(copy.count <= StateTable.slotSize / 2)
        let file = StateTable.header(boot: Self.boot) + [UInt8](repeating: 0, count: StateTable.slotSize / 2) + copy
        let padded = file + [UInt8](repeating: 0, count: 2 * StateTable.slotSize - file.count)
        let record = try #require(try StateTable.records(padded, boot: Self.boot).records.first)
        #expect((1..<40).contains(record.processes.count))
    }

    /// The seed is fixed: noise in the whole file never does more than lose records.
    @Test func noiseIsSurvived() throws {
        try withFile { path in
            let names = (1...20).compactMap { UserName("user-\($0)") }
            _ = try StateFile(path, boot: Self.boot, records: names.map { record($0) })
            let content = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            var chance = SplitMix64(seed: 7)
            for _ in 1...2000 {
                var noisy = content
                for _ in 0...chance.next() % 50 {
                    noisy[StateTable.slotSize + Int(chance.next() % UInt64(content.count - StateTable.slotSize))] =
                        UInt8(truncatingIfNeeded: chance.next())
                }
                let (records, _) = try StateTable.records(noisy, boot: Self.boot)
                #expect(records.allSatisfy { $0 == record($0.name) })
            }
        }
    }
}
