// A database that goes away and comes back.

import Glibc
import Shared
import TestSupport
import Testing

@Suite struct DatabaseTests {
    @Test func usersOfAStoppedDatabaseAreHeldAndReleased() async throws {
        try await PostgreSQL.with { first in
            try await PostgreSQL.with { second in
                try await Tree.with {
                    $0.users = ["alice": "database: a\n", "bob": "database: b\n", "carol": "database: a\n"]
                    $0.useApplication()
                    $0.useDatabase("a", first)
                    $0.useDatabase("b", second)
                } _: { tree in
                    try await holdAndRelease(tree, first)
                }
            }
        }
    }

    private func holdAndRelease(_ tree: Tree, _ server: PostgreSQL) async throws {
        let before = try await tree.waitUntilReady("alice", "bob", "carol")
        let load = tree.load("bob") {
            $0.request.path = "/invoices"
            $0.connections = 1
        }
        try await server.stop(.fast)
        let held = try await tree.waitUntil("alice and carol are held") { report in
            report.user("alice")?.state == "held" && report.user("carol")?.state == "held"
        }
        #expect(held.database("a")?.state == "unavailable")
        #expect(held.database("a")?.cause?.isEmpty == false)
        #expect(held.user("alice")?.reason?.contains("a") == true)
        for name in ["alice", "carol"] {
            guard case .answer(let answer) = await tree.get(name, "/invoices") else {
                Issue.record("\(name) has no stand-in")
                return
            }
            #expect(answer.status == 503)
            #expect(answer.headers.contains(name: "Retry-After"))
        }
        try await tree.expectEachUserServed()
        try await load.more(30)
        try await server.start()
        let after = try await tree.waitUntilReady("alice", "bob", "carol")
        // Their workers went on all the time.
        #expect(after.pids == before.pids)
        #expect(after.users.allSatisfy { $0.restarts == 0 })
        #expect(after.database("a")?.state == "available")
        for name in ["alice", "carol"] {
            try await eventually("\(name) answers") { await tree.get(name, "/invoices").status == 200 }
        }
        try await load.expectNoneFailed()
        try await tree.expectEachUserServed()
    }

    /// A worker that dies while its database is away waits for it.
    @Test func workerThatDiesWhileHeldStartsWithItsDatabase() async throws {
        try await PostgreSQL.with { server in
            try await Tree.with {
                $0.users = ["alice": "database: a\n"]
                $0.useDatabase("a", server)
            } _: { tree in
                let pid = try #require(try await tree.waitUntilReady("alice").pids["alice"])
                await server.freezeAll()
                try await tree.waitUntil("alice is held") { $0.user("alice")?.state == "held" }
                kill(pid, SIGKILL)
                let held = try await tree.waitUntil("alice's process is gone") { $0.user("alice")?.pid != pid }
                #expect(held.user("alice")?.state == "held")
                await server.thaw()
                let after = try await tree.waitUntilReady("alice")
                #expect(after.user("alice")?.pid != pid)
                try await tree.expectEachUserServed()
            }
        }
    }
}
