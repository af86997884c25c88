// Master's end of the channel, with a program in place of launch that says what launch says when something goes wrong.

import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@testable import Policy
@testable import master

@Suite struct LauncherTests {
    private let folder: TemporaryFolder
    private let alice: UserName

    init() throws {
        folder = try TemporaryFolder()
        alice = try #require(UserName("alice"))
    }

    /// Each start is answered by `waits`: its account is looked up. Then comes what the test says in Python.
    private func launcher(_ rest: String) throws -> Launcher {
        let program = """
            #!/usr/bin/env python3
            import os, socket, struct, subprocess
            channel = socket.socket(fileno=3)
            channel.setblocking(True)
            def start():
                number = struct.unpack_from("Q", socket.recv_fds(channel, 1 << 17, 8)[0])[0]
                channel.send(struct.pack("QiiQ", number, 0, 0, 0))
                return number
            number = start()
            \(rest)
            channel.recv(1)

            """
        let path = "\(folder.path)/launch"
        try program.write(toFile: path, atomically: false, encoding: .utf8)
        chmod(path, 0o700)
        let launcher = Launcher(path: path, runtime: folder.path)
        // A process that another test makes at this moment may hold the file open for writing (ETXTBSY).
        while (try? launcher.start(now: .now())) == nil { usleep(10_000) }
        return launcher
    }

    private func ask(_ launcher: Launcher, _ generation: UInt64) throws -> WorkerID {
        let id = WorkerID(user: alice, generation: generation)
        var plan = WorkerPlan()
        (plan.command, plan.folder) = (["true"], "/tmp")
        let results = try launcher.ask(
            id, plan, socket: SocketID(of: id), try Scratch.nothing(), account: "alice", gently: false, now: .now())
        #expect(results.isEmpty)
        return id
    }

    /// SIGKILL, as soon as launch has said that it looks the account up.
    private func giveUp(_ id: WorkerID, _ launcher: Launcher) async throws -> LaunchResult {
        try await eventually("the start is given up") {
            _ = try launcher.receive()
            return launcher.signal(id, SIGKILL, leaderOnly: false).first
        }
    }

    @Test func aLookupThatHangsIsGivenUp() async throws {
        let launcher = try launcher("")
        defer { launcher.end() }
        let id = try ask(launcher, 1)
        guard case .failed(id, _) = try await giveUp(id, launcher) else { throw TreeError("it has not failed") }
        #expect(!launcher.isPending(id))
        #expect(launcher.deadline == nil, "launch owes nothing")
    }

    @Test func aProcessThatComesAfterThatIsEnded() async throws {
        let launcher = try launcher(
            """
            start()
            child = subprocess.Popen(["sleep", "600"], start_new_session=True)
            pidfd = os.pidfd_open(child.pid)
            socket.send_fds(channel, [struct.pack("QiiQ", number, child.pid, 0, 0)], [pidfd])
            """)
        defer { launcher.end() }
        let id = try ask(launcher, 1)
        _ = try await giveUp(id, launcher)
        _ = try ask(launcher, 2)
        let result = try await eventually("a process comes") { try launcher.receive().first }
        guard case .stray(let child) = result else { throw TreeError("\(result)") }
        try await eventually("it ends") { ProcessFiles.startTime(of: child.pid) == 0 }
    }

    @Test func aProcessThatEndsBeforeItTellsOfItselfIsAFailedStart() async throws {
        let launcher = try launcher("channel.send(struct.pack('QiiQ', number, -1, 0, 0))")
        defer { launcher.end() }
        let id = try ask(launcher, 1)
        let result = try await eventually("launch tells of it") { try launcher.receive().first }
        guard case .failed(id, _) = result else { throw TreeError("\(result)") }
        #expect(!launcher.isPending(id))
    }

    /// The next master could otherwise take a program for executed that never will be.
    @Test func whatHasNotExecutedItsProgramEndsWithLaunch() async throws {
        let launcher = try launcher(
            """
            child = subprocess.Popen(["sleep", "600"], start_new_session=True)
            pidfd = os.pidfd_open(child.pid)
            socket.send_fds(channel, [struct.pack("QiiQ", number, child.pid, 0, 0)], [pidfd])
            """)
        defer { launcher.end() }
        let id = try ask(launcher, 1)
        let result = try await eventually("a process comes") { try launcher.receive().first }
        guard case .started(id, let worker) = result else { throw TreeError("\(result)") }
        launcher.condemn(now: .now())
        let (_, results) = try await eventually("launch ends") { launcher.reap(now: .now()) }
        // By its environment `sleep` is launch still, as a process is before it executes its program.
        guard case .executed(id, failure: .some) = results.first else { throw TreeError("\(results)") }
        try await eventually("it ends") { ProcessFiles.startTime(of: worker.child.pid) == 0 }
    }
}
