// The main job: users' tornado services behind nginx, on PostgreSQL.

import Foundation
import Shared
import TestSupport
import Testing

/// What deploy/app answers at /invoices.
private struct Invoices: Decodable {
    struct Invoice: Decodable {
        let customer: String
        let amount: String
    }
    let user: String
    let database: String
    let pid: Int32
    let invoices: [Invoice]
}

extension Tree.Plan {
    /// The shipped application in place of the plain worker.
    mutating func useApplication() {
        settings["worker.command"] = "[/usr/bin/python3, \(Sources.path("deploy/app/app.py"))]"
    }

    /// A database that is watched closely.
    mutating func useDatabase(_ name: String, _ server: PostgreSQL) {
        settings["databases.\(name)"] = "{conninfo: \"\(server.conninfo())\"}"
        settings["database_check"] = "{interval: 200ms, timeout: 2s, fall: 3, rise: 2, login_interval: 1s}"
    }
}

@Suite struct ServiceTests {
    @Test func threeUsersWorkBehindNginxOnPostgreSQL() async throws {
        let names = ["alice", "bob", "carol"]
        try await PostgreSQL.with { server in
            try await Tree.with {
                $0.users = Dictionary(uniqueKeysWithValues: names.map { ($0, "plan: paid\ndatabase: main-a\n") })
                $0.useApplication()
                $0.useDatabase("main-a", server)
                $0.nginx = true
            } _: { tree in
                let report = try await tree.waitUntilReady("alice", "bob", "carol")
                #expect(report.watchers.allSatisfy { $0.state == "up" }, "\(report.summary)")
                #expect(Set(report.watchers.map(\.name)) == ["keeper", "pathwatch", "dbwatch", "dispatch", "launch"])
                #expect(report.users.allSatisfy { $0.database == "main-a" && $0.plan == "paid" })
                for name in names { try await write(name, tree) }
                for name in names {
                    let invoices = try await read(name, tree)
                    #expect(invoices.user == name)
                    #expect(invoices.database == "main-a")
                    #expect(invoices.pid == report.user(name)?.pid)
                    #expect(invoices.invoices.map(\.customer) == ["customer of \(name)"])
                }
                let database = try await tree.waitUntil("all is well") { report in
                    report.users.allSatisfy { $0.health == "passing" } && report.database("main-a")?.role != nil
                }.database("main-a")
                #expect(database?.state == "available")
                #expect(database?.role == "read-write")
                #expect(await tree.get("nobody").status == 503)
                try await tree.expectEachUserServed()
            }
        }
    }

    private func write(_ name: String, _ tree: Tree) async throws {
        var request = Request(try tree.nginx.target, host: "\(name).localhost", path: "/invoices")
        request.method = .POST
        request.body = #"{"customer": "customer of \#(name)", "amount": "12.50"}"#
        request.contentType = "application/json"
        let outcome = await request.send()
        #expect(outcome.status == 201, "\(outcome)")
    }

    private func read(_ name: String, _ tree: Tree) async throws -> Invoices {
        let outcome = await tree.get(name, "/invoices")
        guard case .answer(let answer) = outcome, answer.status == 200 else { throw TreeError("\(outcome)") }
        return try JSONDecoder().decode(Invoices.self, from: Data(answer.body.utf8))
    }

    @Test func usersComeAndGo() async throws {
        try await Tree.with {
            $0.users = ["alice": "", "bob": "", "carol": ""]
            $0.nginx = true
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "bob", "carol").pids
            let load = tree.load("alice") { $0.connections = 2 }

            try tree.addUser("dave", "env: {SHOWN: hello}\n")
            try await tree.waitUntilReady("dave")
            #expect(try await tree.answer("dave").shown == "hello")

            let leaving = try #require(before["bob"].flatMap { ProcessIdentity($0) })
            try tree.deleteUser("bob")
            try await tree.waitUntil("bob is gone") { $0.user("bob") == nil }
            try await eventually("bob's process is gone") { !leaving.isAlive }
            #expect(await tree.get("bob").status == 503)

            try await load.expectNoneFailed()
            let after = try await tree.status().pids
            #expect(after["alice"] == before["alice"] && after["carol"] == before["carol"])
            try await tree.expectEachUserServed()
        }
    }

    /// The new process has the new environment, the old one leaves, and no request notices.
    @Test func changedUserIsSwappedWithoutALostRequest() async throws {
        try await Tree.with {
            $0.users = ["alice": "env: {SHOWN: old}\n", "bob": ""]
            $0.nginx = true
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "bob").pids
            let old = try #require(before["alice"].flatMap { ProcessIdentity($0) })
            let load = tree.load("alice")
            try await load.more(50)
            try tree.modifyUser("alice", "env: {SHOWN: new}\n")
            try await eventually("the new environment is shown") { try await tree.answer("alice").shown == "new" }
            try await eventually("the old process is gone") { !old.isAlive }
            let result = try await load.expectNoneFailed(after: 50)
            #expect(result.pids.count == 2, "\(result)")
            let after = try await tree.waitUntilReady("alice")
            #expect(after.user("alice")?.pid != before["alice"])
            #expect(after.user("alice")?.restarts == 0)
            #expect(after.pids["bob"] == before["bob"])
            try await tree.expectEachUserServed()
        }
    }

    /// A user that is not served is not an error of nginx: the stand-in says why.
    @Test func disabledUserIsAnsweredByTheStandIn() async throws {
        try await Tree.with {
            $0.users = ["alice": "enabled: false\n", "bob": ""]
        } _: { tree in
            let report = try await tree.waitUntil("alice is disabled") { $0.user("alice")?.state == "disabled" }
            #expect(report.user("alice")?.pid == nil)
            guard case .answer(let answer) = await tree.get("alice") else {
                Issue.record("alice has no stand-in")
                return
            }
            #expect(answer.status == 503)
            #expect(answer.headers.contains(name: "Retry-After"))
            try tree.modifyUser("alice", "")
            try await tree.waitUntilReady("alice", "bob")
            try await eventually("alice answers") { await tree.get("alice").status == 200 }
            try await tree.expectEachUserServed()
        }
    }
}
