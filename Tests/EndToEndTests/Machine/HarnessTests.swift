// The harness itself: what it counts and what it finds is the ground of every other test here.

import CLinux
import Foundation
import NIOCore
import NIOPosix
import Shared
import SharedSystem
import Testing

@testable import TestSupport

/// Answers according to the path of the request, without knowing HTTP.
private final class Misbehaviour: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let request = String(buffer: unwrapInboundIn(data))
        let answer: String? =
            switch request.split(separator: " ").dropFirst().first {
            case "/good": "HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{\"user\": \"bob\", \"pid\": 42}"
            case "/bad": "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
            case "/half": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
            case "/garbage": "What do you mean?\r\n\r\n"
            case "/nothing": ""
            default: nil
            }
        guard let answer else { return }
        context.write(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
        context.flush()
        context.close(promise: nil)
    }
}

/// Runs `body` with the socket of a server that misbehaves.
private func withMisbehaviour(_ body: (Target) async throws -> Void) async throws {
    let path = "/tmp/st-bad.\(UInt32.random(in: 0 ... .max)).sock"
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Misbehaviour()) }
        }
        .bind(unixDomainSocketPath: path).get()
    do {
        try await body(.unix(path))
    } catch {
        try? await server.close().get()
        throw error
    }
    try await server.close().get()
    unlink(path)
}

@Suite struct HarnessTests {
    /// A test process that was killed leaves folders and processes; the next one removes them, and no others.
    @Test func whatAKilledTestProcessLeavesIsRemoved() async throws {
        let (kept, left) = (try OwnedFolder.make("st-"), try OwnedFolder.make("pg."))
        defer { try? FileManager.default.removeItem(atPath: kept) }
        func sleeper(_ folder: String) throws -> Child {
            try Child(
                "/bin/sleep", ["600"], environment: ["STEWARD_TREE": folder], descriptors: [try Scratch.nothing()])
        }
        let (mine, theirs) = (try sleeper(kept), try sleeper(left))
        let own = try #require(ProcessIdentity(getpid()))
        // Another process had this pid before.
        try OwnedFolder.write(own.pid, own.started - 1, in: left)
        OwnedFolder.sweep()
        #expect(try await theirs.exit() == -SIGKILL)
        #expect(access(left, F_OK) != 0)
        #expect(mine.exitStatus == nil && access(kept, F_OK) == 0)
    }

    @Test func outcomesAreToldApart() async throws {
        try await withMisbehaviour { target in
            func kind(_ path: String) async -> String { await Request(target, path: path).send().kind }
            #expect(await kind("/good") == "200")
            #expect(await kind("/bad") == "500")
            #expect(await kind("/half") == "reset")
            #expect(await kind("/nothing") == "reset")
            #expect(await kind("/garbage") == "malformed")
            var silent = Request(target, path: "/silent")
            silent.timeout = .milliseconds(200)
            #expect(await silent.send().kind == "timeout")
        }
        #expect(await Request(.unix("/tmp/st-nobody.sock")).send().kind == "no connection: No such file or directory")
        #expect(await Request(.tcp(1)).send().kind == "no connection: Connection refused")
    }

    @Test func loadCountsWhatFailedAndWhoAnswered() async throws {
        try await withMisbehaviour { target in
            var plan = LoadPlan(Request(target, path: "/good"))
            plan.limit = 50
            let good = try await Load(plan).finish()
            #expect(good.outcomes == ["200": 50])
            #expect(good.failed == 0)
            #expect(good.pids == [42: 50])
            #expect(good.users == ["bob": 50])
            #expect(good.p50 != nil && good.longest != nil)
            plan.request.path = "/half"
            let bad = try await Load(plan).finish()
            // A process that another test spawns at that moment may hold a copy of a connection: its end is not seen.
            #expect(Set(bad.outcomes.keys).isSubset(of: ["reset", "timeout"]), "\(bad)")
            #expect(bad.failed == 50 && bad.outcomes["reset", default: 0] >= 45, "\(bad)")
            plan.request.path = "/good"
            plan.rate = 200
            plan.limit = 20
            #expect(try await Load(plan).finish().total == 20)
        }
    }

    @Test func outlineIsYaml() {
        var outline = Outline(["a.b": "1", "a.c.d": "{x: 2}", "e": "old"])
        outline.set(["e": "new", "a.c.d": "[3]"])
        #expect(outline.yaml == "a:\n  b: 1\n  c:\n    d: [3]\ne: new\n")
    }

    @Test func waitingEndsAtItsDeadline() async throws {
        await #expect(throws: NotInTime.self) { try await eventually("never", within: .milliseconds(50)) { false } }
        var asked = 0
        try await eventually("the third time") {
            asked += 1
            return asked == 3
        }
    }

    @Test func processesAreFoundByTheirEnvironment() async throws {
        let mark = "\(UInt64.random(in: 0 ... .max))"
        let nothing = try Scratch.nothing()
        let child = try Child(
            "/bin/sleep", ["60"], environment: ["MARK": mark], descriptors: [nothing, nothing, nothing])
        let found = try await eventually("the process is there") {
            ProcessTable.withEnvironment(["MARK": mark]).first
        }
        #expect(found.pid == child.pid)
        #expect(found.isAlive)
        child.signal(SIGKILL)
        // Not reaped yet, but no longer alive.
        try await eventually("the process is gone") { !found.isAlive }
        #expect(try await child.exit() == -SIGKILL)
    }

    @Test func plainWorkerKeepsTheContract() async throws {
        let path = "/tmp/st-plain.\(UInt32.random(in: 0 ... .max)).sock"
        let listener = try UnixSocket.listen(at: path, mode: 0o600)
        defer { unlink(path) }
        let (nothing, output) = (try Scratch.nothing(), try Scratch())
        let worker = try Child(
            "/usr/bin/python3", [Sources.path("Tests/Workers/plain.py")],
            environment: ["STEWARD_USER": "alice", "SHOWN": "x", "OUTPUT": "3"],
            descriptors: [nothing, output.descriptor, output.descriptor, listener])
        let answer = await Request(.unix(path)).send()
        let text = try output.text()
        #expect(answer.status == 200, "\(answer) \(text)")
        #expect(await Request(.unix(path), path: "/?status=418").send().status == 418)
        #expect(await Request(.unix(path), path: "/healthz").send().status == 200)
        let gate = "\(path).gate"
        defer { unlink(gate) }
        async let slow = Request(.unix(path), path: "/?until=\(gate)").send()
        var post = Request(.unix(path))
        post.method = .POST
        post.body = "hello"
        guard case .answer(let posted) = await post.send() else {
            Issue.record("no answer to a POST")
            return
        }
        #expect(posted.body.contains("\"received\": 5"))
        try await eventually("the slow request is being worked on") {
            try WorkerAnswer(await Request(.unix(path)).send()).busy == 2
        }
        worker.signal(SIGTERM)
        try Data().write(to: URL(fileURLWithPath: gate))
        #expect(await slow.status == 200)
        #expect(try await worker.exit() == 0)
        #expect(try output.text().hasPrefix("line 0\nline 1\nline 2\n"))
    }
}
