import Foundation
import Shared
import SharedSystem
import TestSupport
import Testing

@testable import keeper

private func event(_ serial: UInt64, at: Int64 = 0) -> EventRecord {
    var event = EventRecord()
    event.serial = serial
    event.at = at
    event.text = "event \(serial)"
    event.rule = "r"
    return event
}

@Suite struct JournalQueueTests {
    private var queue = JournalQueue()

    @Test mutating func batchesAreBoundedAndInOrder() {
        for serial in UInt64(1)...1000 { queue.append(event(serial)) }
        var written: [UInt64] = []
        while let batch = queue.next {
            #expect(batch.lines.utf8.count < 66 << 10)
            let lines = batch.lines.split(separator: "\n").compactMap { EventRecord(line: $0.utf8) }
            #expect(lines.count == batch.count && lines.last == batch.last)
            written += lines.map(\.serial)
            queue.written(batch.count)
        }
        #expect(written == Array(1...1000))
        #expect(queue.isEmpty)
    }

    @Test mutating func theOldestGoesWhenItIsFull() {
        for serial in 1...UInt64(JournalQueue.capacity) + 3 { queue.append(event(serial)) }
        #expect(queue.next?.lines.hasPrefix(event(4).line) == true)
    }

    /// Master does not know whether a keeper that died has written what it had been sent.
    @Test mutating func whatTheFileHoldsIsNotWrittenTwice() {
        queue.append(event(1, at: 10))
        queue.begin(after: event(2, at: 20))
        for serial in UInt64(1)...3 { queue.append(event(serial, at: Int64(serial) * 10)) }
        #expect(queue.next?.count == 1)
        #expect(queue.next?.last == event(3, at: 30))
        // Of another master, which has not seen the last numbers.
        queue.append(event(2, at: 40))
        #expect(queue.next?.last == event(2, at: 40))
    }
}

/// The real keeper, writing the journal.
@Suite struct JournalTests {
    private let bench: Bench
    private var path: String { "\(bench.folder.path)/events.jsonl" }

    init() throws {
        bench = try Bench()
    }

    private func begin() throws {
        try bench.keeper.send(.journal(JournalSettings(folder: bench.folder.path)))
    }

    private func written() async throws -> UInt64 {
        try await bench.keeper.report { report in
            switch report {
            case .journaled(let mark): mark.serial
            }
        }
    }

    private func content() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test func eventsAreWrittenAndTold() async throws {
        try begin()
        for serial in UInt64(1)...3 { try bench.keeper.send(.event(event(serial))) }
        while try await written() < 3 {}
        #expect(try content() == (1...3).map { event($0).line + "\n" }.joined())
    }

    @Test func aTornLineIsCutOff() async throws {
        let whole = event(1).line + "\n"
        try Data((whole + event(2).line.dropLast(4)).utf8).write(to: URL(fileURLWithPath: path))
        try begin()
        for serial in UInt64(1)...2 { try bench.keeper.send(.event(event(serial))) }
        #expect(try await written() == 2)
        #expect(try content() == whole + event(2).line + "\n")
    }

    @Test func itWaitsForRoom() async throws {
        guard let disk = try SmallDisk(kibibytes: 64) else { return }
        defer { disk.remove() }
        try disk.fill()
        try bench.keeper.send(.journal(JournalSettings(folder: disk.path)))
        let events = (1...300).map { event($0) }
        for event in events { try bench.keeper.send(.event(event)) }
        try await bench.settle()
        try disk.free()
        while try await written() < 300 {}
        let content = try String(contentsOfFile: "\(disk.path)/events.jsonl", encoding: .utf8)
        #expect(content == events.map { $0.line + "\n" }.joined())
    }

    /// Neither a ping nor a confirmation that finds no master keeps the keeper from the rest of what was said.
    @Test func theLastWordsOfAMasterAreWritten() async throws {
        try await bench.settle()
        // It is stopped while master speaks and dies, so that all of it is read afterwards.
        kill(bench.keeper.pid, SIGSTOP)
        try await bench.keeper.stopped()
        try begin()
        var long = event(1)
        // More than one look takes, no more than the socket holds.
        long.text = String(repeating: "x", count: 20_000)
        let events = (UInt64(1)...6).map { serial in
            long.serial = serial
            return long
        }
        for event in events {
            try bench.keeper.ping()
            try bench.keeper.send(.event(event))
        }
        bench.keeper.hangUp()
        kill(bench.keeper.pid, SIGCONT)
        #expect(try await bench.keeper.exit() == 0)
        #expect(try content() == events.map { $0.line + "\n" }.joined())
    }

    @Test func itIsBounded() async throws {
        try begin()
        var long = event(1)
        long.text = String(repeating: "x", count: 4000)
        let count: UInt64 = 5000
        for serial in 1...count {
            long.serial = serial
            try bench.keeper.send(.event(long))
            // Sent as fast as it is taken.
            if serial % 500 == 0 { while try await written() < serial {} }
        }
        let sizes = try [path, path + ".1"].map { path in
            try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        }
        #expect(sizes.allSatisfy { $0 <= JournalFile.bound })
        #expect(sizes[1] > JournalFile.bound - (128 << 10))
        #expect(try content().split(separator: "\n").allSatisfy { EventRecord(line: $0.utf8) != nil })
    }
}
