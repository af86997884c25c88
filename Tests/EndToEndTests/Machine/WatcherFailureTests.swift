// Watchers that die or hang: each is replaced, no worker and no request notices, and what it watched is watched again.

import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct WatcherFailureTests {
    enum Watcher: String, CaseIterable, Sendable {
        case keeper, pathwatch, dbwatch, dispatch
    }

    enum Blow: Int32, CaseIterable, Sendable {
        case kill = 9
        case stop = 19
    }

    @Test(arguments: Watcher.allCases, Blow.allCases)
    func watcherIsReplaced(watcher: Watcher, blow: Blow) async throws {
        if watcher == .dbwatch {
            try await PostgreSQL.with { try await replace(watcher, blow, $0) }
        } else {
            try await replace(watcher, blow, nil)
        }
    }

    private func replace(_ watcher: Watcher, _ blow: Blow, _ server: PostgreSQL?) async throws {
        try await Tree.with {
            $0.users = ["alice": "", "bob": ""]
            $0.settings["worker.check"] = "{path: /healthz, interval: 200ms, timeout: 400ms, fall: 3}"
            $0.settings["worker.stop_timeout"] = "1s"
            if let server { $0.useDatabase("main-a", server) }
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "bob")
            let pid = try #require(before.watcher(watcher.rawValue)?.pid)
            let load = tree.load("alice") { $0.connections = 1 }
            Glibc.kill(pid, blow.rawValue)
            // A silent watcher is killed after 10 s.
            let after = try await tree.waitUntil("\(watcher) is replaced", within: .seconds(25)) { report in
                guard let now = report.watcher(watcher.rawValue) else { return false }
                return now.state == "up" && now.pid != pid && now.restarts == 1
            }
            #expect(after.pids == before.pids)
            #expect(ProcessIdentity(pid) == nil)
            for other in before.watchers where other.name != watcher.rawValue {
                #expect(after.watcher(other.name)?.pid == other.pid)
            }
            try await load.expectNoneFailed()
            try await watcher.expectWork(tree, server)
            #expect(try await tree.status().pids["alice"] == before.pids["alice"])
            try await tree.expectEachUserServed()
        }
    }
}

extension WatcherFailureTests.Watcher {
    /// What this watcher is there for still happens.
    func expectWork(_ tree: Tree, _ server: PostgreSQL?) async throws {
        switch self {
        case .keeper:
            try await tree.steward("hold", "bob")
            try await eventually("the stand-in answers for bob") { await tree.get("bob").status == 503 }
        case .pathwatch:
            try tree.addUser("carol")
            try await tree.waitUntilReady("carol")
            try tree.deleteUser("bob")
            try await tree.waitUntil("bob is gone") { $0.user("bob") == nil }
        case .dbwatch:
            // A frozen postmaster refuses no connection and ends no session: only a fresh login shows it.
            await server?.freeze()
            try await tree.waitUntil("the database is unavailable") {
                $0.database("main-a")?.state == "unavailable"
            }
            await server?.thaw()
            try await tree.waitUntil("the database is available") { $0.database("main-a")?.state == "available" }
            try await tree.waitUntilReady("alice", "bob")
        case .dispatch:
            let pid = try #require(try await tree.status().pids["bob"])
            Glibc.kill(pid, SIGSTOP)
            try await tree.waitUntilReplaced("bob", pid)
        }
    }
}
