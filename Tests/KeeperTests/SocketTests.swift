import CLinux
import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

/// The real keeper and the sockets that it is given.
@Suite struct SocketTests {
    private let get = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)

    @Test func whoWaitsOnAQuietSocketIsLeftToTheWorker() async throws {
        let bench = try Bench()
        let (socket, listener) = try bench.answer()
        try bench.keeper.send(.quiet(socket))
        try await bench.settle()
        let visitor = try Conversation(bench.path(socket))
        try await visitor.say(get)
        // The keeper has looked at what is ready by the time of its second pong.
        try await bench.settle()
        let accepted = Conversation(Descriptor(owning: try check("accept") { clinux_accept(listener.number) }))
        #expect(try await accepted.hearSome() == get)
        try await accepted.say(Array("the worker".utf8))
        #expect(try await visitor.hearSome() == Array("the worker".utf8))
    }

    @Test func aRetiredSocketIsEmptiedThenClosed() async throws {
        let bench = try Bench()
        let socket = bench.socket()
        var listener: Descriptor? = try bench.keep(socket)
        let visitors = try (0..<5).map { _ in try Conversation(bench.path(socket)) }
        for visitor in visitors { try await visitor.say(get) }
        try bench.keeper.send(.retire(StandIn(socket, .stopping)))
        for visitor in visitors { #expect(try await visitor.hear().status == 503) }
        // Without this copy the keeper's is the last one: then the socket is gone.
        listener = nil
        #expect(listener == nil)
        let path = bench.path(socket)
        #expect(
            try await bench.eventually {
                try !String(contentsOfFile: "/proc/net/unix", encoding: .utf8).contains(path)
            })
    }

    @Test func aNewSocketReplacesTheOldOne() async throws {
        let bench = try Bench()
        let (socket, old) = try bench.answer()
        unlink(bench.path(socket))
        let new = try bench.keep(socket)
        try bench.keeper.send(.answer(StandIn(socket, .held)))
        let visitor = try Conversation(bench.path(socket))
        try await visitor.say(get)
        #expect(try await visitor.hear().status == 503)
        withExtendedLifetime((old, new)) {}
    }

    @Test func useless() async throws {
        let bench = try Bench()
        let unknown = bench.socket("nobody")
        try bench.keeper.send(.answer(StandIn(unknown, .starting)))
        try bench.keeper.send(.quiet(unknown))
        try bench.keeper.send(.retire(StandIn(unknown, .starting)))
        // Neither a file nor a socket that was shut down can be listened on.
        let file = Descriptor(owning: try check("open") { open("/dev/null", O_RDWR | O_CLOEXEC) })
        try bench.keeper.send(.keep(unknown), with: file)
        try bench.keeper.send(.answer(StandIn(unknown, .starting)))
        let (_, listener) = try bench.answer()
        shutdown(listener.number, Int32(SHUT_RDWR))
        let (socket, other) = try bench.answer()
        let visitor = try Conversation(bench.path(socket))
        try await visitor.say(get)
        #expect(try await visitor.hear().status == 503)
        withExtendedLifetime(other) {}
    }

    @Test func masterGoneItEnds() async throws {
        let bench = try Bench()
        try await bench.settle()
        bench.keeper.hangUp()
        #expect(try await bench.keeper.exit() == 0)
    }

    @Test func byHandItAnswersUntilItIsTold() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/s"
        let keeper = try WatcherProcess<ToKeeper, FromKeeper>(
            "keeper", arguments: ["--answer", path, "--reason", "held"], environment: ["STEWARD_WATCHER": ""])
        let deadline = Instant.now() + .seconds(180)
        while access(path, F_OK) != 0 && Instant.now() < deadline { try await Task.sleep(for: .milliseconds(5)) }
        let answer = try await Conversation.exchange(path, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer.status == 503 && answer.text.contains("Retry-After: 30"))
        kill(keeper.pid, SIGTERM)
        #expect(try await keeper.exit() == 0)
        #expect(access(path, F_OK) != 0)
    }
}
