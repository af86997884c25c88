// What master says to the service manager that has started it: a fake one here, systemd itself in SystemdTests.

import Foundation
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct ServiceManagerTests {
    /// Ready is master that supervises, whatever its users do; a heartbeat; the status; the ordered end.
    @Test func managerHearsOfMastersLife() async throws {
        let manager = try FakeManager()
        try await Tree.with {
            $0.users = ["alice": "", "broken": "env: {EXIT: \"3\"}\n"]
            $0.environment = ["NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "400000"]
        } _: { tree in
            let report = try await tree.waitUntilReady("alice")
            var heard: [String] = []
            try await eventually("the manager has heard everything") {
                heard += try manager.heard()
                return heard.contains("STATUS=2 users, 1 ready") && heard.count { $0 == "WATCHDOG=1" } > 5
            }
            #expect(heard.first == "READY=1")
            #expect(heard.count { $0 == "READY=1" } == 1)
            #expect(!heard.contains("STOPPING=1"))
            try expectNothingInherited(report.watchers.compactMap(\.pid) + [report.pids["alice"]].compactMap { $0 })
            tree.master?.signal(SIGTERM)
            // The manager's queue is read, too, while master stops: nothing else reads it.
            try await eventually("the end is announced") {
                heard += try manager.heard()
                return tree.master?.exitStatus != nil
            }
            #expect((heard + (try manager.heard())).contains("STOPPING=1"))
            #expect(try await tree.master?.exit() == 0)
            try tree.expectNothingLeft()
        }
    }

    /// What a manager puts into master's environment is about master alone.
    private func expectNothingInherited(_ pids: [Int32]) throws {
        for pid in pids {
            let environment = try #require(FileManager.default.contents(atPath: "/proc/\(pid)/environ"))
            let variables = String(decoding: environment, as: UTF8.self).split(separator: "\0")
            let notify = variables.first { $0.hasPrefix("NOTIFY_SOCKET=") }
            #expect(notify.map { $0.hasSuffix("/run/notify") } ?? true, "\(variables)")
            #expect(!variables.contains { $0.hasPrefix("WATCHDOG_") }, "\(variables)")
        }
    }

    /// A manager that does not read, or is not there, disturbs nothing; what it has missed is said again.
    @Test func managerThatDoesNotListenIsToldLater() async throws {
        let manager = try FakeManager()
        let filler = try UnixSocket.sender()
        try await eventually("its queue is full", every: .milliseconds(1)) {
            do { try UnixSocket.send("FILLER=1", from: filler, to: manager.address) } catch { return true }
            return false
        }
        try await Tree.with {
            $0.users = ["alice": ""]
            $0.environment = ["NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "400000"]
        } _: { tree in
            try await tree.waitUntilReady("alice")
            var heard: [String] = []
            try await eventually("the manager has caught up") {
                heard += try manager.heard().filter { $0 != "FILLER=1" }
                return heard.contains("STATUS=1 users, 1 ready")
            }
            #expect(heard.first == "READY=1")
            #expect(unlink(manager.address) == 0)
            try tree.addUser("bob")
            try await tree.waitUntilReady("bob")
        }
    }
}
