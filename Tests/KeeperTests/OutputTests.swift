import Foundation
import Shared
import SharedSystem
import TestSupport
import Testing

@testable import keeper

/// The real keeper, writing what workers print.
@Suite struct OutputTests {
    @Test func generationsShareAFile() async throws {
        let bench = try Bench()
        let first = try bench.output(bench.worker())
        try await bench.write(Array("one\n".utf8), to: first)
        #expect(try await bench.eventually { bench.folder.content("logs/alice.log") == Array("one\n".utf8) })
        let second = try bench.output(bench.worker())
        try await bench.write(Array("two\n".utf8), to: second)
        let both = Array("one\ntwo\n".utf8)
        #expect(try await bench.eventually { bench.folder.content("logs/alice.log") == both })
        try await bench.write(Array("three\n".utf8), to: first)
        #expect(try await bench.eventually { bench.folder.content("logs/alice.log") == both + Array("three\n".utf8) })
    }

    @Test func whatWasPrintedBeforeTheEndIsKept() async throws {
        let bench = try Bench()
        let worker = bench.worker("bob")
        var pipe: Descriptor? = try bench.output(worker)
        if let pipe { try await bench.write([UInt8](repeating: 10, count: 60_000), to: pipe) }
        pipe = nil
        #expect(pipe == nil)
        #expect(try await bench.eventually { bench.folder.content("logs/bob.log")?.count == 60_000 })
    }

    /// What a flood loses is counted where it is missing: kept and dropped bytes are all that were written.
    @Test func aFloodIsCutAndCounted() async throws {
        let bench = try Bench()
        let pipe = try bench.output(bench.worker())
        let line = Array(String(repeating: "x", count: 63).utf8) + [10]
        // Less than the file's bound: what a slow machine keeps of it stays in one file.
        let flood = Array(repeatElement(line, count: (9 << 20) / 64).joined())
        try await bench.write(flood, to: pipe)
        let path = "logs/alice.log"
        let (kept, losses) = try await Self.account(flood.count, in: bench)
        #expect(kept >= Int(OutputBudget.burst))
        #expect(kept / 64 + losses.reduce(0) { $0 + $1.lines } == flood.count / 64)
        // A neighbour, and the user itself when the flood is over, are written as ever.
        let other = try bench.output(bench.worker("bob"))
        try await bench.write(Array("calm\n".utf8), to: other)
        #expect(try await bench.eventually { bench.folder.content("logs/bob.log") == Array("calm\n".utf8) })
        try await bench.write(Array("last\n".utf8), to: pipe)
        #expect(try await bench.eventually { bench.folder.content(path)?.suffix(5) == Array("last\n".utf8)[...] })
    }

    /// The end of the worker ends the flood: it is told at once.
    @Test func aFloodIsCountedAtTheEnd() async throws {
        let bench = try Bench()
        var pipe: Descriptor? = try bench.output(bench.worker())
        let flood = [UInt8](repeating: 10, count: 9 << 20)
        if let pipe { try await bench.write(flood, to: pipe) }
        pipe = nil
        #expect(pipe == nil)
        let (kept, losses) = try await Self.account(flood.count, in: bench)
        // A machine so slow that the budget keeps up loses nothing.
        #expect(losses.isEmpty == (kept == flood.count))
    }

    /// Waits until all that was written is kept or counted.
    private static func account(
        _ total: Int, in bench: Bench
    ) async throws -> (kept: Int, losses: [(bytes: Int, lines: Int)]) {
        try await eventually("\(total) bytes are kept or counted") {
            let content = String(decoding: bench.folder.content("logs/alice.log") ?? [], as: UTF8.self)
            let (kept, losses) = account(content)
            return kept + losses.reduce(0) { $0 + $1.bytes } == total ? (kept, losses) : nil
        }
    }

    /// The bytes of a log that are the worker's own, and what its notices count.
    private static func account(_ content: String) -> (kept: Int, losses: [(bytes: Int, lines: Int)]) {
        var kept = 0
        var losses: [(Int, Int)] = []
        for line in content.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if line.hasPrefix("[steward: dropped ") {
                let numbers = line.split { !$0.isNumber }.compactMap { Int($0) }
                losses.append((numbers[0], numbers[1]))
            } else {
                kept += line.utf8.count + 1
            }
        }
        return (kept, losses)
    }

    @Test func whatCannotBeWrittenIsDroppedAndCounted() async throws {
        let bench = try Bench()
        // A folder that cannot be made: something else has its name.
        let blocker = "\(bench.folder.path)/blocked"
        try Data("".utf8).write(to: URL(fileURLWithPath: blocker))
        try bench.keeper.send(.settings(KeeperSettings(logs: blocker)))
        let pipe = try bench.output(bench.worker())
        try await bench.write(Array(repeatElement(Array("dropped\n".utf8), count: 20_000).joined()), to: pipe)
        try await bench.settle()
        unlink(blocker)
        // Nothing more is written, and still it is told.
        #expect(
            try await bench.eventually {
                let content = String(decoding: bench.folder.content("blocked/alice.log") ?? [], as: UTF8.self)
                return content.hasPrefix("[steward: dropped ") && content.hasSuffix("s: Not a directory]\n")
            })
        try await bench.write(Array("again\n".utf8), to: pipe)
        #expect(
            try await bench.eventually {
                bench.folder.content("blocked/alice.log")?.suffix(6) == Array("again\n".utf8)[...]
            })
    }

    @Test func aDeletedFileIsBegunAnew() async throws {
        let bench = try Bench()
        let pipe = try bench.output(bench.worker())
        try await bench.write(Array("one\n".utf8), to: pipe)
        #expect(try await bench.eventually { bench.folder.content("logs/alice.log") == Array("one\n".utf8) })
        unlink("\(bench.folder.path)/logs/alice.log")
        try await bench.write(Array("two\n".utf8), to: pipe)
        #expect(try await bench.eventually { bench.folder.content("logs/alice.log") == Array("two\n".utf8) })
    }
}
