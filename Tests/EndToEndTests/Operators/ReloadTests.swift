// The configuration changes while the real tree runs.

import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

extension Tree {
    /// Writes the settings of `plan` with these over them, in place, as `cat >` does.
    fileprivate func rewrite(_ settings: [String: String], over plan: Tree.Plan = Tree.Plan()) throws {
        try writeConfiguration(plan.settings.merging(settings) { $1 })
    }

    fileprivate func waitUntilShown(_ text: String, by names: String...) async throws {
        for name in names {
            try await eventually("\(name) shows \(text)") { (try? await answer(name))?.shown == text }
        }
    }
}

@Suite struct ReloadTests {
    /// The plan of most tests: what it shows tells which configuration a worker runs by.
    private func with(_ names: [String], _ body: (Tree) async throws -> Void) async throws {
        try await Tree.with {
            $0.users = Dictionary(uniqueKeysWithValues: names.map { ($0, "") })
        } _: { tree in
            try await body(tree)
        }
    }

    @Test func aSavedFileSwapsWhomItConcerns() async throws {
        try await with(["alice", "bob"]) { tree in
            try tree.modifyUser("bob", "env: {SHOWN: own}\n")
            try await tree.waitUntilReady("alice", "bob")
            try await tree.waitUntilShown("own", by: "bob")
            let before = try await tree.waitUntilReady("alice", "bob")
            let load = tree.load("alice")
            try tree.rewrite(["worker.env.SHOWN": "blue"])
            try await tree.waitUntilShown("blue", by: "alice")
            // Bob's own value wins: nothing changes for him. The next file comes by rename, the way editors do it.
            let draft = "\(tree.folder)/steward.yaml~"
            try FileManager.default.copyItem(atPath: tree.configuration, toPath: draft)
            let text = try String(contentsOfFile: draft, encoding: .utf8)
            try tree.write(text.replacingOccurrences(of: "blue", with: "red"), to: draft)
            try check("rename", draft) { rename(draft, tree.configuration) }
            try await tree.waitUntilShown("red", by: "alice")
            let after = try await tree.waitUntilReady("alice", "bob")
            #expect(after.pids["bob"] == before.pids["bob"])
            let result = try await load.expectNoneFailed()
            #expect(result.pids.count == 3, "\(result)")
            #expect(after.users.allSatisfy { $0.restarts == 0 })
            try await tree.expectEachUserServed()
        }
    }

    /// With a pathwatch that is stopped, only the signal, or the command, tells of the file.
    @Test(arguments: ["SIGHUP", "steward reload"])
    func whoIsToldReadsTheFile(way: String) async throws {
        try await with(["alice", "bob"]) { tree in
            let before = try await tree.waitUntilReady("alice", "bob")
            let pathwatch = try #require(before.watchers.first { $0.name == "pathwatch" }?.pid)
            kill(pathwatch, SIGSTOP)
            try tree.rewrite(["worker.env.SHOWN": "blue"])
            if way == "SIGHUP" {
                tree.master?.signal(SIGHUP)
            } else {
                let result = try await tree.steward("reload")
                #expect(result.status == 0, "\(result.errors)")
                #expect(result.output == "worker.env.SHOWN; 2 users: swap\n")
                #expect(try await tree.steward("reload").output == "nothing has changed\n")
            }
            try await tree.waitUntilShown("blue", by: "alice", "bob")
            kill(pathwatch, SIGCONT)
            try await tree.waitUntilReady("alice", "bob")
            try await tree.expectEachUserServed()
        }
    }

    @Test func theManagerHearsOfAReload() async throws {
        let manager = try FakeManager()
        try await Tree.with {
            $0.users = ["alice": ""]
            $0.environment = ["NOTIFY_SOCKET": manager.address]
        } _: { tree in
            try await tree.waitUntilReady("alice")
            _ = try manager.heard()
            tree.master?.signal(SIGHUP)
            var heard: [String] = []
            try await eventually("it is over") {
                heard += try manager.heard()
                return heard.contains("READY=1")
            }
            let begin = try #require(heard.firstIndex(of: "RELOADING=1"))
            #expect(heard[begin + 1].hasPrefix("MONOTONIC_USEC="))
            #expect(try #require(heard.firstIndex(of: "READY=1")) > begin)
        }
    }

    @Test func aBadFileLeavesEverythingAndSaysWhereItIsWrong() async throws {
        try await with(["alice"]) { tree in
            let before = try await tree.waitUntilReady("alice")
            let good = try String(contentsOfFile: tree.configuration, encoding: .utf8)
            try tree.write(good + "workers: {}\n", to: tree.configuration)
            let place = "\(tree.configuration):\(good.split(separator: "\n").count + 1):1: unknown key 'workers'"
            let refused = try await tree.steward("reload")
            #expect(refused.status == 1)
            #expect(refused.errors.hasPrefix("steward: \(place)"), "\(refused.errors)")
            #expect(try await tree.steward("plan").status == 1)
            try await tree.waitUntil("status tells") { $0.configuration?.contains(place) == true }
            let events = try await tree.steward("events").output
            #expect(events.components(separatedBy: place).count == 2, "it is told once: \(events)")
            #expect(try String(contentsOfFile: tree.log, encoding: .utf8).contains(place))
            try tree.write(good + "databases: {a: {}}\n", to: tree.configuration)
            try await tree.waitUntil("the other mistake is told") { report in
                report.configuration.map { !$0.contains(place) && $0.contains("conninfo") } ?? false
            }
            try tree.write(good, to: tree.configuration)
            let after = try await tree.waitUntil("it is right again") { $0.configuration == nil }
            #expect(after.pids == before.pids)
            #expect(after.processes == before.processes)
        }
    }

    /// Eight users behind nginx, under load; the last two pay.
    private func withCrowd(
        _ settings: [String: String], _ body: (Tree, [String], [String: Int32]) async throws -> Void
    ) async throws {
        let names = (1...8).map { "user-\($0)" }
        try await Tree.with {
            for name in names { $0.users[name] = name > "user-6" ? "plan: paid\n" : "" }
            $0.settings = settings
            $0.nginx = true
        } _: { tree in
            let before = try await tree.waitUntil("all ready") { $0.users.count { $0.isReady } == names.count }
            let loads = names.map { tree.load($0) { $0.connections = 2 } }
            for load in loads { try await load.more(5) }
            try await body(tree, names, before.pids)
            for load in loads { try await load.expectNoneFailed(after: 5) }
            #expect(try await tree.status().users.allSatisfy { $0.restarts == 0 })
            try await tree.expectEachUserServed()
        }
    }

    @Test func settingsForManyGoAsAnUpgradeAndLoseNoRequest() async throws {
        let soak = ["upgrade.soak": "1s", "upgrade.parallel": "3"]
        try await withCrowd(soak) { tree, names, before in
            let file = soak.merging(["worker.env.SHOWN": "blue"]) { $1 }
            try tree.writeConfiguration(file)
            let first = try await tree.waitUntil("one is changed") { ($0.upgrade?.changed ?? 0) >= 1 }
            #expect(first.upgrade?.target == "new worker settings")
            let after = try await tree.waitUntil("it is over") { $0.upgrade == nil }
            #expect(names.allSatisfy { before[$0] != after.pids[$0] })
            for name in names { #expect(try await tree.answer(name).shown == "blue") }
            #expect(after.configuration == nil)
            let events = try await tree.steward("events").output.split(separator: "\n")
            let soaks = events.filter { $0.contains(" soaks for ") }
            #expect(soaks.count == names.count && soaks.first?.contains("user-7") == true, "\(soaks)")
        }
    }

    @Test func settingsThatFailStopAtTheCanary() async throws {
        let soak = ["upgrade.soak": "1s"]
        try await withCrowd(soak) { tree, names, before in
            let file = soak.merging(["worker.command": "[/bin/false]"]) { $1 }
            try tree.writeConfiguration(file)
            let held = try await tree.waitUntil("they are held") { $0.configuration != nil }
            let why = "new worker settings failed: user-7: exit 1; the former ones stay"
            #expect(held.configuration?.hasPrefix(why) == true, "\(held.configuration ?? "")")
            #expect(held.pids == before)
            #expect(try await tree.steward("status").output.contains("steward reload --yes"))
            #expect(try await tree.steward("reload").output == "nothing has changed\n")
            // A crash is none of their business; the operator may want to see them fail again.
            let again = try await tree.steward("reload", "--yes")
            #expect(again.output == "new worker settings are on their way\n", "\(again.errors)")
            try await tree.waitUntil("they are held again") { $0.configuration?.hasPrefix(why) == true }
            #expect(try await tree.status().pids == before)
            try tree.writeConfiguration(soak)
            try await tree.waitUntil("the file is right") { $0.configuration == nil }
            #expect(try await tree.status().pids == before)
        }
    }

    @Test func theNextMasterGoesOnWithThem() async throws {
        let soak = ["upgrade.soak": "3s", "upgrade.parallel": "1"]
        try await withCrowd(soak) { tree, names, before in
            try tree.writeConfiguration(soak.merging(["worker.env.SHOWN": "blue"]) { $1 })
            try await tree.waitUntil("it begins") { $0.upgrade != nil }
            #expect(try await tree.steward("upgrade", "pause").status == 0)
            let first = try await tree.waitUntil("one is changed") { ($0.upgrade?.changed ?? 0) >= 1 }
            try await tree.replaceMaster()
            let then = try await tree.waitUntil("it goes on") { $0.upgrade != nil }
            #expect(then.upgrade?.target == "new worker settings")
            let after = try await tree.waitUntil("it is over") { $0.upgrade == nil }
            #expect(names.allSatisfy { before[$0] != after.pids[$0] })
            #expect(first.pids["user-7"] == after.pids["user-7"], "nobody is swapped twice")
        }
    }

    @Test func aMoveOfManyWaitsForTheOperator() async throws {
        let names = (1...6).map { "user-\($0)" }
        try await Tree.with {
            $0.users = Dictionary(uniqueKeysWithValues: names.map { ($0, "") })
        } _: { tree in
            let before = try await tree.waitUntil("all ready") { $0.users.count { $0.isReady } == names.count }
            try tree.rewrite(["databases.main.conninfo": "host=127.0.0.1"])
            let waiting = try await tree.waitUntil("it waits") { $0.configuration != nil }
            #expect(waiting.configuration?.contains("6 users: move") == true, "\(waiting.configuration ?? "")")
            #expect(try await tree.steward("status").output.contains("steward reload --yes"))
            #expect(try await tree.steward("reload").status == 1)
            let plan = try await tree.steward("plan").output
            #expect(plan.contains("move (6): user-1, user-2"), "\(plan)")
            #expect(try await tree.status().pids == before.pids)
            let confirmed = try await tree.steward("reload", "--yes")
            #expect(confirmed.status == 0, "\(confirmed.errors)")
            #expect(try await tree.status().databases.map(\.name) == ["main"])
        }
    }

    /// Another file than master's: looked at, and not taken.
    @Test func aPlanChangesNothing() async throws {
        try await with(["alice"]) { tree in
            let before = try await tree.waitUntilReady("alice")
            let other = "\(tree.folder)/other.yaml"
            let text = try String(contentsOfFile: tree.configuration, encoding: .utf8)
            try tree.write(
                text + "run_as: nobody\ndatabases: {x: {conninfo: host=/nowhere password=secret}}\n", to: other)
            let plan = try await tree.steward("plan", other)
            #expect(plan.status == 0, "\(plan.errors)")
            #expect(plan.output.contains("run_as: null -> nobody"), "\(plan.output)")
            #expect(plan.output.contains("databases.x.conninfo: (none) -> host=/nowhere\n"), "\(plan.output)")
            #expect(plan.output.contains("move (1): alice"), "\(plan.output)")
            #expect(try await tree.steward("plan").output == "nothing has changed\n")
            let missing = try await tree.steward("plan", "/nonexistent.yaml")
            #expect(missing.status == 1 && missing.errors.contains("/nonexistent.yaml"), "\(missing.errors)")
            #expect(try await tree.status().pids == before.pids)
        }
    }

    @Test func databasesComeAndGo() async throws {
        try await PostgreSQL.with { server in
            var plan = Tree.Plan()
            plan.settings["databases.a"] = "{conninfo: \"\(server.conninfo())\", group: main}"
            plan.settings["database_check"] = "{interval: 200ms, timeout: 2s, login_interval: 1s}"
            let settings = plan.settings
            try await Tree.with {
                $0.settings = settings
                $0.users = ["alice": "database: a\n", "bob": "database: b\n"]
            } _: { tree in
                let before = try await tree.waitUntilReady("alice")
                #expect(before.user("bob") == nil, "his database is unknown")
                let load = tree.load("alice")
                let added = "{conninfo: \"\(server.conninfo(database: "template1"))\", group: main}"
                try tree.rewrite(["databases.b": added], over: plan)
                let both = try await tree.waitUntilReady("alice", "bob")
                #expect(both.user("bob")?.database == "b")
                #expect(both.database("b")?.state == "available")
                #expect(both.pids["alice"] == before.pids["alice"])

                try tree.rewrite([:], over: plan)
                let moved = try await tree.waitUntil("bob has moved") { report in
                    report.user("bob").map { $0.isReady && $0.database == "a" && $0.reason != nil } ?? false
                }
                #expect(moved.databases.map(\.name) == ["a"])
                #expect(moved.user("bob")?.reason?.contains("found 'b'") == true, "\(moved.user("bob")?.reason ?? "")")
                #expect(moved.pids["alice"] == before.pids["alice"])
                try tree.modifyUser("bob", "database: main\n")
                try await tree.waitUntil("his file is right") { $0.user("bob")?.reason == nil }

                // Without databases no user has one, and no dbwatch runs.
                try tree.writeConfiguration([:])
                let none = try await tree.waitUntil("dbwatch has gone") { report in
                    !report.watchers.contains { $0.name == "dbwatch" } && report.users.allSatisfy { $0.isReady }
                }
                #expect(none.users.map(\.database) == [nil, nil])
                let result = try await load.stop()
                #expect(Set(result.outcomes.keys).isSubset(of: ["200", "503"]), "\(result)")
                try await tree.expectEachUserServed()
            }
        }
    }

    @Test func aUsersEnvironmentIsTheirOwn() async throws {
        try await with(["alice", "bob", "carol"]) { tree in
            let before = try await tree.waitUntilReady("alice", "bob", "carol")
            try tree.modifyUser("alice", "env: {SHOWN: new}\n")
            try tree.modifyUser("bob", "plan: paid\n")
            try await tree.waitUntilShown("new", by: "alice")
            let after = try await tree.waitUntil("bob pays") { $0.user("bob")?.plan == "paid" }
            #expect(after.pids["alice"] != before.pids["alice"])
            #expect(after.pids["bob"] == before.pids["bob"])
            #expect(after.pids["carol"] == before.pids["carol"])
            try await tree.waitUntilReady("alice", "bob", "carol")
            try await tree.expectEachUserServed()
        }
    }
}
