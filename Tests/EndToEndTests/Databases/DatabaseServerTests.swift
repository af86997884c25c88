// What becomes of users whose database server is crowded, full or promoted.

import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

extension Tree.Plan {
    /// Workers that hold a connection.
    fileprivate mutating func useConnectedWorkers() {
        settings["worker.command"] = "[/usr/bin/python3, \(Sources.path("Tests/Workers/connected.py"))]"
        settings["worker.check"] = "{path: /healthz, interval: 500ms, timeout: 5s, fall: 3, rise: 1}"
    }
}

@Suite struct DatabaseServerTests {
    // MARK: crowded

    private static let crowd = (1...14).map { "user-\($0)" }
    /// Of these, 12 may be new at a time.
    private static let connections = ["max_connections": "18"]
    private static let arrivals = "CREATE TABLE arrival (count int)"

    /// All users connect at the start, and again after an outage in which some of the workers have died.
    @Test func aCrowdArrivesOnTwoThirdsOfTheConnections() async throws {
        try await PostgreSQL.with(Self.connections) { server in
            try await server.query(Self.arrivals)
            try await Tree.with {
                $0.users = Dictionary(uniqueKeysWithValues: Self.crowd.map { ($0, "database: a\n") })
                $0.useConnectedWorkers()
                $0.useDatabase("a", server)
                $0.settings["worker.start_concurrency"] = "\(Self.crowd.count)"
            } _: { tree in
                try await expectTwoThirds("start", tree, server)
                let before = try await tree.status()
                try await server.stop()
                try await tree.waitUntil("all are held") { report in report.users.allSatisfy { $0.state == "held" } }
                let killed = Self.crowd.suffix(3)
                for name in killed { kill(try #require(before.pids[name]), SIGKILL) }
                try await server.start(Self.connections)
                try await expectTwoThirds("return", tree, server)
                let after = try await tree.status()
                for name in Self.crowd { #expect((after.pids[name] == before.pids[name]) != killed.contains(name)) }
                #expect(after.users.allSatisfy { $0.restarts == 0 })
            }
        }
    }

    /// Waits until all users have arrived, and asks how many were on their way at a time.
    private func expectTwoThirds(_ occasion: String, _ tree: Tree, _ server: PostgreSQL) async throws {
        try await tree.waitUntil("all are ready") { report in
            report.users.count == Self.crowd.count && report.users.allSatisfy(\.isReady)
        }
        let most = Int(try await server.query("SELECT max(count) FROM arrival")) ?? 0
        print("\(occasion): \(most) workers arrive at a time")
        #expect((1...12).contains(most), "\(occasion)")
        let arrived = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'arrived'"
        #expect(try await server.query(arrived) == "\(Self.crowd.count)")
        try await server.query("TRUNCATE arrival")
    }

    // MARK: full

    @Test func usersOfAFullServerAreHeldAndReleased() async throws {
        try await PostgreSQL.with(["max_connections": "8", "superuser_reserved_connections": "2"]) { server in
            try await server.query("\(Self.arrivals); CREATE ROLE plain LOGIN; GRANT INSERT ON arrival TO plain")
            try await Tree.with {
                $0.users = ["alice": "database: a\n"]
                $0.useConnectedWorkers()
                $0.useDatabase("a", server)
                $0.settings["databases.a"] = "{conninfo: \"\(server.conninfo(user: "plain"))\"}"
            } _: { tree in
                let before = try await tree.waitUntilReady("alice")
                let others = (0..<4).map { _ in
                    Task { try? await server.query("SET application_name = 'x'; SELECT pg_sleep(600)") }
                }
                let full = try await tree.waitUntil("alice is held") { $0.user("alice")?.state == "held" }
                #expect(full.database("a")?.cause == "full")
                #expect(full.user("alice")?.reason == "database a is unavailable: full")
                #expect(await tree.get("alice").status == 503)
                #expect(try await tree.steward("databases").output.contains("full"))
                let sleepers = "FROM pg_stat_activity WHERE application_name = 'x'"
                try await server.query("SELECT pg_terminate_backend(pid) \(sleepers)")
                for other in others { _ = await other.value }
                let after = try await tree.waitUntilReady("alice")
                #expect(after.pids == before.pids)
                #expect(after.user("alice")?.restarts == 0)
                try await eventually("alice is served") { await tree.get("alice").status == 200 }
            }
        }
    }

    // MARK: promoted

    @Test func usersGoToAStandbyOnceItIsPromoted() async throws {
        let options = ["wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on"]
        try await PostgreSQL.with(options) { primary in
            let standby = try await PostgreSQL.standby(of: primary)
            do {
                try await standby.start(options)
                try await Tree.with {
                    $0.users = ["alice": "database: a\n", "bob": "database: b\n"]
                    $0.useApplication()
                    $0.useDatabase("a", primary)
                    for (name, server) in [("a", primary), ("b", standby)] {
                        $0.settings["databases.\(name)"] = "{conninfo: \"\(server.conninfo())\", group: main}"
                    }
                } _: { tree in
                    try await promote(tree, primary, standby)
                }
                await standby.destroy()
            } catch {
                await standby.destroy()
                throw error
            }
        }
    }

    private func promote(_ tree: Tree, _ primary: PostgreSQL, _ standby: PostgreSQL) async throws {
        let before = try await tree.waitUntilReady("alice", "bob")
        #expect(before.users.map(\.database) == ["a", "a"], "nobody works on a standby")
        #expect(before.database("b")?.cause == "in recovery")
        #expect(before.database("b")?.role == "in-recovery")
        try await primary.query(
            "INSERT INTO invoice (token, merchant, customer, amount) VALUES (gen_random_uuid(), 'alice', 'Kept', 1)")
        try await eventually("the standby has it") {
            try await standby.query("SELECT count(*) FROM invoice") == "1"
        }
        try await primary.stop(.immediate)
        try await tree.waitUntil("both are held") { report in report.users.allSatisfy { $0.state == "held" } }
        try await standby.query("SELECT pg_promote()")
        let after = try await tree.waitUntil("both are served by b") { report in
            report.users.allSatisfy { $0.isReady && $0.database == "b" }
        }
        #expect(after.database("b")?.role == "read-write")
        #expect(after.users.allSatisfy { $0.restarts == 0 })
        guard case .answer(let answer) = await tree.get("alice", "/invoices") else {
            Issue.record("alice is not answered")
            return
        }
        #expect(answer.status == 200)
        #expect(answer.body.contains("Kept"), "\(answer.body)")
        try await tree.expectEachUserServed()
    }

    // MARK: secrets

    @Test func passwordsAreShownNowhere() async throws {
        try await PostgreSQL.with { server in
            let secret = "s3cr3t"
            try await server.query("CREATE ROLE secretive LOGIN PASSWORD '\(secret)'")
            let hba = "host all secretive all scram-sha-256\n"
            let old = try String(contentsOfFile: "\(server.data)/pg_hba.conf", encoding: .utf8)
            try (hba + old).write(toFile: "\(server.data)/pg_hba.conf", atomically: false, encoding: .utf8)
            try await server.query("SELECT pg_reload_conf()")
            try await Tree.with {
                $0.users = ["alice": "database: a\n", "bob": "database: b\n"]
                $0.useDatabase("a", server)
                let login = "\(server.conninfo(user: "secretive")) password=\(secret)"
                $0.settings["databases.a"] = "{conninfo: \"\(login)\"}"
                $0.settings["databases.b"] = "{conninfo: \"\(login)-wrong\"}"
            } _: { tree in
                try await tree.waitUntilReady("alice")
                let status = try await tree.waitUntil("bob is held") { $0.user("bob")?.state == "held" }
                #expect(status.database("b")?.cause == "login refused")
                for command in [["status", "--json"], ["status"], ["databases"], ["events"], ["why", "bob"]] {
                    let result = try await CommandResult.of(
                        "\(tree.binaries)/steward", ["--config", tree.configuration] + command)
                    #expect(!result.output.contains(secret) && !result.errors.contains(secret), "\(command)")
                }
                let log = try String(contentsOfFile: tree.log, encoding: .utf8)
                #expect(!log.contains(secret))
                let journal = try String(contentsOfFile: "\(tree.folder)/state/events.jsonl", encoding: .utf8)
                #expect(!journal.contains(secret))
                for process in tree.processes() {
                    let line = try? String(contentsOfFile: "/proc/\(process.pid)/cmdline", encoding: .utf8)
                    #expect(line?.contains(secret) != true, "\(process)")
                }
            }
        }
    }
}
