// Users that move between the databases of a group.

import Foundation
import Shared
import SharedSystem
import TestSupport
import Testing

extension Tree.Plan {
    /// A database of a group that is watched closely.
    fileprivate mutating func useMember(_ name: String, _ server: PostgreSQL, database: String = "postgres") {
        useDatabase(name, server)
        settings["databases.\(name)"] = "{conninfo: \"\(server.conninfo(database: database))\", group: main}"
    }
}

@Suite struct MoveTests {
    /// Alice and carol work on a, bob on b, which has another server.
    private static func withTwoServers(_ body: (Tree, PostgreSQL, PostgreSQL) async throws -> Void) async throws {
        try await PostgreSQL.with { first in
            try await PostgreSQL.with { second in
                try await Tree.with {
                    $0.users = ["alice": "database: a\nplan: paid\n", "bob": "database: b\n", "carol": "database: a\n"]
                    $0.useApplication()
                    $0.useMember("a", first)
                    $0.useMember("b", second)
                } _: { tree in
                    try await body(tree, first, second)
                }
            }
        }
    }

    /// How long it takes from now until this user's service answers from this database.
    private func time(until name: String, isServedBy database: String, _ tree: Tree, since: Instant) async throws
        -> Duration
    {
        try await eventually("\(name) is served by \(database)") {
            guard case .answer(let answer) = await tree.get(name, "/invoices") else { return false }
            return answer.status == 200 && answer.body.contains("\"database\": \"\(database)\"")
        }
        return .now() - since
    }

    @Test func usersOfAStoppedServerAreServedByTheOther() async throws {
        try await Self.withTwoServers { tree, first, _ in
            let before = try await tree.waitUntilReady("alice", "bob", "carol")
            let moving = tree.load("alice") { $0.request.path = "/invoices" }
            let untouched = tree.load("bob") {
                $0.request.path = "/invoices"
                $0.connections = 1
            }
            try await untouched.more(20)
            let stopped = Instant.now()
            try await first.stop(.fast)
            async let alice = time(until: "alice", isServedBy: "b", tree, since: stopped)
            async let carol = time(until: "carol", isServedBy: "b", tree, since: stopped)
            let took = try await [alice, carol].map { $0.milliseconds.rounded() }
            print("served by the other server after \(took) ms")
            #expect(took.allSatisfy { $0 < 10_000 }, "\(took)")
            try await untouched.more(20)
            let moved = try await tree.waitUntilReady("alice", "bob", "carol")
            #expect(moved.users.map(\.database) == ["b", "b", "b"])
            #expect(moved.users.allSatisfy { $0.restarts == 0 })
            #expect(moved.pids["bob"] == before.pids["bob"])

            try await first.start()
            let back = try await tree.waitUntil("a is back") { $0.database("a")?.state == "available" }
            #expect(back.pids == moved.pids)
            let rebalance = try await tree.steward("rebalance", "--wait")
            #expect(rebalance.status == 0, "\(rebalance.errors)")
            let after = try await tree.waitUntilReady("alice", "bob", "carol")
            #expect(after.users.map(\.database) == ["a", "b", "a"])
            #expect(after.pids["bob"] == before.pids["bob"])
            let results = try await [moving.stop(), untouched.stop()]
            #expect(Set(results[0].outcomes.keys).isSubset(of: ["200", "503"]), "\(results[0])")
            #expect(results[1].failed == 0, "\(results[1])")
            try await tree.expectEachUserServed()
        }
    }

    @Test func withoutAnyServerEverybodyIsAnsweredAndNobodyRestarted() async throws {
        try await Self.withTwoServers { tree, first, second in
            let before = try await tree.waitUntilReady("alice", "bob", "carol")
            async let firstStop: Void = first.stop(.fast)
            async let secondStop: Void = second.stop(.fast)
            _ = try await (firstStop, secondStop)
            try await tree.waitUntil("all are held") { report in report.users.allSatisfy { $0.state == "held" } }
            let held = Instant.now()
            for name in ["alice", "bob", "carol"] {
                let load = tree.load(name) {
                    $0.request.path = "/invoices"
                    $0.expected = 503
                    $0.connections = 2
                    $0.limit = 200
                }
                let result = try await load.finish()
                print("\(name) without a server: \(result)")
                #expect(result.failed == 0, "\(result)")
                #expect(result.p50.map { $0 < .milliseconds(100) } == true, "\(result)")
            }
            // By now they would have moved, if there were anywhere to go.
            try await eventually("their time to move has come") { .now() - held > .seconds(2) }
            #expect(try await tree.status().pids == before.pids)

            let started = Instant.now()
            try await second.start()
            for name in ["bob", "alice", "carol"] {
                let took = try await time(until: name, isServedBy: "b", tree, since: started)
                print("\(name) is served \(took.milliseconds.rounded()) ms after the start of the server")
            }
            let after = try await tree.waitUntilReady("alice", "bob", "carol")
            #expect(after.pids["bob"] == before.pids["bob"], "who stayed has the same process")
            #expect(after.users.allSatisfy { $0.restarts == 0 && $0.database == "b" })
            try await tree.expectEachUserServed()
        }
    }

    @Test func aDrainedDatabaseStaysSoForTheNextMaster() async throws {
        try await PostgreSQL.with { server in
            try await Tree.with {
                $0.users = ["alice": "database: a\n", "bob": "database: a\n", "carol": "database: b\n"]
                $0.useMember("a", server)
                $0.useMember("b", server, database: "template1")
            } _: { tree in
                let before = try await tree.waitUntilReady("alice", "bob", "carol")
                try await tree.waitUntil("both are available") { $0.databases.allSatisfy { $0.state == "available" } }
                let load = tree.load("alice")
                let drain = try await tree.steward("databases", "drain", "a", "--wait")
                #expect(drain.status == 0, "\(drain.errors)")
                let drained = try await tree.waitUntilReady("alice", "bob", "carol")
                #expect(drained.users.map(\.database) == ["b", "b", "b"])
                #expect(drained.database("a")?.state == "drained")
                #expect(drained.pids["carol"] == before.pids["carol"])
                let table = try await tree.steward("databases").output
                #expect(table.contains("LAST CHANGE") && table.contains("drained"), "\(table)")

                try await tree.replaceMaster()
                try tree.addUser("dave", "database: a\n")
                let next = try await tree.waitUntilReady("alice", "bob", "carol", "dave")
                #expect(next.database("a")?.state == "drained")
                #expect(next.user("dave")?.database == "b")

                #expect(try await tree.steward("databases", "undrain", "a").status == 0)
                let again = try await tree.steward("databases", "undrain", "a")
                #expect(again.status == 1)
                #expect(again.errors.contains("a is not drained"))
                #expect(try await tree.steward("databases", "drain", "c").status == 1)
                #expect(try await tree.steward("rebalance", "--wait").status == 0)
                let after = try await tree.waitUntilReady("alice", "bob", "carol", "dave")
                #expect(after.users.map(\.database) == ["a", "a", "b", "a"])
                let result = try await load.stop()
                #expect(Set(result.outcomes.keys).isSubset(of: ["200", "503"]), "\(result)")
                try await tree.expectEachUserServed()
            }
        }
    }
}
