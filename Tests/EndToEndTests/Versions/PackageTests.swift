// Versions of a real application: which user runs which, across the deaths of master and whole new starts.

import Foundation
import TestSupport
import Testing

@Suite struct PackageTests {
    private static func edit(_ plan: inout Tree.Plan) {
        plan.settings["packages"] = "./packages"
        plan.settings["worker.command"] = "[/usr/bin/python3, app.py]"
    }

    /// What the application of a version shows of itself.
    private static func shown(_ version: String, _ tree: Tree) -> String {
        "\(version) \(tree.packages)/\(version) \(tree.packages)/\(version)"
    }

    private static func expect(_ versions: [String: String], _ tree: Tree) async throws {
        let report = try await tree.waitUntil("\(versions)") { report in
            versions.allSatisfy { name, version in
                report.user(name).map { $0.isReady && $0.package == version } ?? false
            }
        }
        for (name, version) in versions {
            try await eventually("\(name) answers") { await tree.get(name).status == 200 }
            let answer = try await tree.answer(name)
            #expect(answer.shown == shown(version, tree))
            #expect(answer.pid == report.user(name)?.pid)
        }
    }

    @Test func usersRunTheVersionThatTheyHaveBeenGiven() async throws {
        try await Tree.with {
            Self.edit(&$0)
            $0.users = ["alice": "", "bob": ""]
        } _: { tree in
            let waiting = try await tree.waitUntil("nobody can run") { report in
                report.user("alice")?.reason?.contains("waits for a version") == true
            }
            #expect(waiting.user("alice")?.package == nil)
            try tree.publish("1.0", "command: [/usr/bin/python3, \"{package}/app.py\"]\n")
            try tree.publish("1.1")
            try tree.setCurrent("1.0")
            try await Self.expect(["alice": "1.0", "bob": "1.0"], tree)
            let before = try await tree.status().pids

            // Free users stay; new users get what is in force.
            try tree.setCurrent("1.1")
            try await eventually("1.1 is in force") {
                try await tree.steward("events").output.contains("1.1 is in force")
            }
            try tree.addUser("carol")
            try tree.addUser("pinned", "package: 1.0")
            let versions = ["alice": "1.0", "bob": "1.0", "carol": "1.1", "pinned": "1.0"]
            try await Self.expect(versions, tree)

            // Another master finds all users on their versions, also those that it has to start.
            let all = try await tree.status().pids
            #expect(all["alice"] == before["alice"] && all["bob"] == before["bob"])
            try await tree.replaceMaster {
                if let bob = all["bob"] { kill(bob, SIGKILL) }
            }
            try await Self.expect(versions, tree)
            #expect(try await tree.status().pids.filter { $0.key != "bob" } == all.filter { $0.key != "bob" })

            // So does one that finds nothing but the state folder.
            try await tree.stop()
            try FileManager.default.removeItem(atPath: tree.runtime)
            try tree.start()
            try await Self.expect(versions, tree)

            let why = try await tree.steward("why", "alice").output
            #expect(why.contains("version: 1.0, the one that it has been given"), "\(why)")
            #expect(try await tree.steward("why", "pinned").output.contains("version: 1.0, pinned in user.yaml"))
            let table = try await tree.steward("status").output
            #expect(table.contains("1.0      3") && table.contains("in force"), "\(table)")
        }
    }

    @Test func aVersionThatGoesOrIsWrongIsNamedAndHarmsNobody() async throws {
        try await Tree.with {
            Self.edit(&$0)
            $0.users = ["alice": "", "bob": "package: 1.0"]
        } _: { tree in
            try tree.publish("1.0")
            try tree.setCurrent("1.0")
            try await Self.expect(["alice": "1.0", "bob": "1.0"], tree)
            let before = try await tree.status()

            try tree.publish("1.1", "comand: [x]\n")
            try tree.setCurrent("1.1")
            try await eventually("1.1 is refused") {
                let table = try await tree.steward("status").output
                return table.contains("package.yaml:2:1: unknown key 'comand', the nearest known one is 'command'")
                    && table.contains("packages/current names 1.1, which cannot be used")
                    && table.contains("1.0 stays in force")
            }
            try tree.addUser("carol")
            try await Self.expect(["carol": "1.0"], tree)

            try tree.publish("1.2")
            try tree.setCurrent("1.2")
            try FileManager.default.removeItem(atPath: "\(tree.packages)/1.0")
            try await eventually("its users are counted") {
                try await tree.steward("events").output.contains("1.0 is gone: 3 users still run it")
            }
            let after = try await tree.status()
            for name in ["alice", "bob"] { #expect(after.user(name)?.pid == before.user(name)?.pid) }
            for name in ["alice", "bob", "carol"] { if let pid = after.user(name)?.pid { kill(pid, SIGKILL) } }
            try await Self.expect(["alice": "1.2", "bob": "1.2", "carol": "1.2"], tree)
            #expect(try await tree.status().user("bob")?.reason == "runs 1.2: 1.0 is gone")

            // Back under the same name, which no user runs any more.
            try tree.publish("1.0")
            try await eventually("bob's pin is kept again") { try await tree.status().user("bob")?.package == "1.0" }
        }
    }

    @Test func freeUsersTakeTheVersionInForceAtTheirNextStart() async throws {
        try await Tree.with {
            Self.edit(&$0)
            $0.settings["upgrade"] = "{free: on-restart}"
            $0.users = ["alice": "package: 1.0", "bob": ""]
        } _: { tree in
            try tree.publish("1.0")
            try tree.publish("1.1")
            try tree.setCurrent("1.0")
            try await Self.expect(["alice": "1.0", "bob": "1.0"], tree)
            try tree.setCurrent("1.1")
            try await eventually("1.1 is in force") {
                try await tree.steward("events").output.contains("1.1 is in force")
            }
            try await tree.steward("restart", "alice", "bob", "--wait")
            try await Self.expect(["alice": "1.0", "bob": "1.1"], tree)
        }
    }

    @Test func aFolderIsCheckedWithoutAMaster() async throws {
        try await Tree.with(users: "alice") { tree in
            try tree.publish("1.0", "command: [\"{package}/app.py\"]\nrequires: 0.1\n")
            let good = try await tree.steward("package", "check", "\(tree.packages)/1.0/")
            #expect(good.status == 0 && good.output.contains("version 1.0 is in order"), "\(good)")
            try tree.publish("1.1", "requires: 99\n")
            let bad = try await tree.steward("package", "check", "\(tree.packages)/1.1")
            #expect(bad.status == 1)
            #expect(bad.errors.contains("1.1/package.yaml:2:11: requires: needs Steward 99, and this is"), "\(bad)")
            let nothing = try await tree.steward("package", "check", "\(tree.packages)/2.0")
            #expect(nothing.status == 1 && nothing.errors.contains("there is no such folder"))
        }
    }
}
