// Steward as a service of a real systemd.

import Foundation
import Shared
import SharedSystem
import TestSupport
import Testing

/// The tests of a suite share one container in which Steward is installed.
private struct Installed: SuiteTrait, TestScoping {
    @TaskLocal static var current: Container?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        await Places.trees.occupy()
        do {
            try await Container.with { container in
                try await InstalledSteward.install(into: container)
                try await Self.$current.withValue(container) { try await function() }
            }
            await Places.trees.vacate()
        } catch {
            await Places.trees.vacate()
            throw error
        }
    }
}

@Suite(
    .serialized, .enabled(if: Container.obstacle == nil, Comment(rawValue: Container.obstacle ?? "")), Installed())
struct SystemdTests {
    func withSteward(
        _ edit: (inout InstalledSteward.Plan) -> Void = { _ in }, _ body: (InstalledSteward) async throws -> Void
    ) async throws {
        try await InstalledSteward.with(try #require(Installed.current), edit, body)
    }

    /// The sandbox of the shipped unit, rated by systemd-analyze(1): 3.0 at most.
    @Test func unitIsHardened() async throws {
        let container = try #require(Installed.current)
        let result = try await container.attempt(
            ["systemd-analyze", "security", "--no-pager", "--threshold=30", "steward.service"])
        #expect(result.status == 0, "\(result.output) \(result.errors)")
        #expect(result.output.contains("Overall exposure level for steward.service"))
    }

    /// The sample is complete: installed and started as it is, it waits for its first user.
    @Test func sampleConfigurationWorks() async throws {
        let container = try #require(Installed.current)
        let sample = try String(contentsOfFile: Sources.path("deploy/systemd/steward.yaml"), encoding: .utf8)
        try await withSteward { steward in
            try container.write(sample, to: InstalledSteward.configuration)
            try await container.run("systemctl", "restart", "steward")
            let report = try await steward.waitUntil("the watchers are up") { report in
                report.watchers.allSatisfy { $0.state == "up" }
            }
            #expect(report.users.isEmpty)
        }
    }

    /// `systemctl start` returns when master supervises; the unit shows its users; nothing is left by `systemctl stop`.
    @Test func unitIsActiveWhenMasterSupervises() async throws {
        try await withSteward {
            $0.users = ["alice": "", "bob": ""]
            $0.nginx = true
        } _: { steward in
            // `start` has returned: master answers.
            #expect(try await steward.status().master.pid == steward.mainPID())
            #expect(try await steward.property("ActiveState") == "active")
            let report = try await steward.waitUntilReady(["alice", "bob"])
            try await eventually("the unit shows the users") {
                try await steward.property("StatusText") == "2 users, 2 ready"
            }
            for name in ["alice", "bob"] {
                let answer = try WorkerAnswer(await steward.request(name).send())
                #expect(answer.pid == report.user(name)?.pid)
            }
            let processes = try await steward.processes()
            #expect(try await steward.consists(of: report.processes), "\(processes)")
            for pid in processes.keys { try await expectSandbox(pid, steward) }
        }
    }

    /// Whatever the service runs is an ordinary account's, has no capability and is filtered.
    private func expectSandbox(_ pid: Int32, _ steward: InstalledSteward) async throws {
        #expect(try await steward.account(of: pid) == "steward")
        let status = try #require(steward.container.read("/proc/\(pid)/status"))
        for line in ["CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
            #expect(status.contains(line), "\(status)")
        }
    }

    /// With the drop-in for run_as, master is root with few capabilities: enough to start workers as another account,
    /// to signal them, and to know what they have left behind.
    @Test func workersRunAsAnotherAccount() async throws {
        let dropIn = try String(contentsOfFile: Sources.path("deploy/systemd/run_as.conf"), encoding: .utf8)
        try await withSteward {
            $0.users = ["alice": "env: {DAEMON: \"1\"}\n", "bob": "run_as: games\nenv: {STUBBORN: \"1\"}\n"]
            $0.settings["run_as"] = "daemon"
            $0.settings["worker.stop_timeout"] = "1s"
            $0.dropIn = dropIn
            $0.nginx = true
        } _: { steward in
            let report = try await steward.waitUntilReady(["alice", "bob"])
            #expect(try await steward.account(of: report.master.pid) == "root")
            let alice = try #require(report.pids["alice"])
            #expect(try await steward.account(of: alice) == "daemon")
            #expect(try await steward.account(of: try #require(report.pids["bob"])) == "games")
            for name in ["alice", "bob"] { #expect(await steward.request(name).send().status == 200) }
            // Alice's daemon ends with her worker.
            let left = try await eventually("alice's worker has a daemon") {
                let named = Set(try await steward.status().processes)
                let others = try await steward.processes().filter { pid, command in
                    !named.contains(pid) && !command.contains("/launch ")
                }
                return others.isEmpty ? nil : Set(others.keys)
            }
            try await steward.signal("KILL", alice)
            try await steward.waitUntil("alice is back") { report in
                report.user("alice").map { $0.isReady && $0.pid != alice } ?? false
            }
            try await eventually("what it has left is gone") {
                left.isDisjoint(with: try await steward.processes().keys)
            }
        }
    }

    /// A master that has no valid configuration fails its start, and is started when there is one.
    @Test func badConfigurationIsTriedAgain() async throws {
        try await withSteward { steward in
            let container = steward.container
            try await container.run("systemctl", "stop", "steward")
            try steward.writeConfiguration(["worker.swap": "sideways"])
            let failed = try await container.attempt(["systemctl", "start", "steward"])
            #expect(failed.status != 0)
            let journal = try await steward.journal()
            #expect(journal.contains("steward.yaml:"), "\(journal)")
            #expect(journal.contains("sideways"), "\(journal)")
            try steward.writeConfiguration([:])
            // No command starts it.
            try await steward.waitUntil("master runs") { $0.watchers.allSatisfy { $0.state == "up" } }
            #expect(try #require(Int(try await steward.property("NRestarts"))) > 0)
        }
    }

    /// While no master can be started, its workers go on; to end them, too, takes a second command.
    @Test func workersAreEndedWhereMasterIsAway() async throws {
        try await withSteward {
            $0.users = ["alice": ""]
        } _: { steward in
            let report = try await steward.waitUntilReady(["alice"])
            try steward.writeConfiguration(["worker.swap": "sideways"])
            try await steward.signal("KILL", report.master.pid)
            try await eventually("systemd waits for a valid configuration") {
                try await steward.journal().contains("sideways")
            }
            try await steward.container.run("systemctl", "stop", "steward")
            #expect(try await steward.processes().keys.contains(try #require(report.pids["alice"])))
            try await steward.container.run("systemctl", "kill", "--kill-whom=all", "steward")
            try await eventually("alice's worker has ended") { try await steward.processes().isEmpty }
        }
    }

    /// A reload is refused with a bad file, and disturbs no user with a good one; a change is in force after it.
    @Test func reloadIsChecked() async throws {
        try await withSteward {
            $0.users = ["alice": ""]
        } _: { steward in
            let before = try await steward.waitUntilReady(["alice"])
            try await steward.container.run("systemctl", "reload", "steward")
            try steward.writeConfiguration(["worker.swap": "sideways"])
            let refused = try await steward.container.attempt(["systemctl", "reload", "steward"])
            #expect(refused.status != 0)
            #expect(try await steward.journal().contains("worker.swap: found 'sideways'"))
            try steward.writeConfiguration([:])
            try await steward.container.run("systemctl", "reload", "steward")
            let after = try await steward.waitUntilReady(["alice"])
            #expect(after.master.pid == before.master.pid)
            #expect(after.pids == before.pids)
            try steward.writeConfiguration(["worker.env.SHOWN": "blue"])
            try await steward.container.run("systemctl", "reload", "steward")
            try await steward.waitUntil("alice is swapped") { report in
                report.user("alice")?.isReady == true && report.pids["alice"] != before.pids["alice"]
            }
            try await steward.signal("HUP", before.master.pid)
            try await eventually("the reload is over") { try await steward.property("ActiveState") == "active" }
        }
    }

    /// A loop that stands still is ended by the watchdog, and a new master goes on.
    @Test func watchdogReplacesAStuckMaster() async throws {
        try await withSteward {
            $0.users = ["alice": ""]
            $0.dropIn = "[Service]\nWatchdogSec=2s\n"
        } _: { steward in
            let before = try await steward.waitUntilReady(["alice"])
            try await steward.signal("STOP", before.master.pid)
            let after = try await steward.waitUntil("another master serves") { report in
                report.master.pid != before.master.pid && report.user("alice")?.isReady == true
            }
            #expect(try await steward.property("NRestarts") == "1")
            let processes = try await steward.processes()
            #expect(try await steward.consists(of: after.processes), "\(processes)")
        }
    }

    /// The application with PostgreSQL, over TCP and over a Unix socket, inside the sandbox.
    @Test func applicationWorksInTheSandbox() async throws {
        let container = try #require(Installed.current)
        let server = try await container.startPostgreSQL()
        try await withSteward {
            $0.users = ["alice": "database: tcp\n", "bob": "database: local\n"]
            $0.settings["worker.command"] = "[/usr/bin/python3, \(InstalledSteward.project)/deploy/app/app.py]"
            $0.settings["databases.tcp"] = "{conninfo: \"\(server.tcp)\"}"
            $0.settings["databases.local"] = "{conninfo: \"\(server.local)\"}"
            $0.nginx = true
        } _: { steward in
            let report = try await steward.waitUntilReady(["alice", "bob"])
            #expect(report.databases.allSatisfy { $0.state == "available" })
            for name in ["alice", "bob"] {
                var request = steward.request(name, "/invoices")
                request.method = .POST
                request.body = #"{"customer": "customer of \#(name)", "amount": "12.50"}"#
                request.contentType = "application/json"
                let posted = await request.send()
                #expect(posted.status == 201, "\(posted)")
                let outcome = await steward.request(name, "/invoices").send()
                guard case .answer(let answer) = outcome, answer.status == 200 else { throw TreeError("\(outcome)") }
                #expect(answer.body.contains("customer of \(name)"))
            }
        }
    }
}
