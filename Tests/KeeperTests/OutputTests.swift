import Glibc
import Shared
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

    @Test func filesAreBounded() async throws {
        let bench = try Bench()
        let pipe = try bench.output(bench.worker())
        let line = Array("a line of sixty-four bytes, so that it divides what a pipe holds.".utf8.prefix(63)) + [10]
        let flood = Array(repeatElement(line, count: (OutputFile.bound * 5 / 2) / 64).joined())
        try await bench.write(flood, to: pipe)
        try await bench.write(Array("last\n".utf8), to: pipe)
        let end = Array("last\n".utf8)
        #expect(
            try await bench.eventually {
                bench.folder.content("logs/alice.log").map { $0.suffix(5) == end[...] } == true
            })
        let current = try #require(bench.folder.content("logs/alice.log"))
        let former = try #require(bench.folder.content("logs/alice.log.1"))
        #expect(current.count <= OutputFile.bound && former.count <= OutputFile.bound)
        // Nothing is lost between the two.
        #expect(former.count > OutputFile.bound - 128 * 1024)
        #expect((former + current).suffix(1 << 20).dropLast(5) == flood.suffix((1 << 20) - 5))
    }

    @Test func whatCannotBeWrittenIsDropped() async throws {
        let bench = try Bench()
        let path = "\(bench.folder.path)/file"
        let file = Descriptor(owning: try check("open") { open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600) })
        try bench.keeper.send(.settings(KeeperSettings(logs: "\(path)/logs")))
        let pipe = try bench.output(bench.worker())
        try await bench.write([UInt8](repeating: 10, count: 1 << 20), to: pipe)
        try bench.keeper.send(.settings(KeeperSettings(logs: "\(bench.folder.path)/good")))
        // It is tried again after a while.
        let deadline = Instant.now() + .seconds(60)
        while bench.folder.content("good/alice.log") == nil && Instant.now() < deadline {
            try await bench.write([10], to: pipe)
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(bench.folder.content("good/alice.log") != nil)
        withExtendedLifetime(file) {}
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
