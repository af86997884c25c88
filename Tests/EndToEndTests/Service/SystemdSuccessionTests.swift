// One master after another, under systemd: what a restart and a death cost.

import Foundation
import Shared
import TestSupport
import Testing

extension SystemdTests {
    /// `systemctl restart` brings in new programs; the workers stay, and no request is lost.
    @Test func restartKeepsTheWorkers() async throws {
        try await withAliceAndBob { steward, before in
            let load = steward.load("alice")
            try await load.more(20)
            // New files in place of those that run.
            try await InstalledSteward.install(into: steward.container)
            try await steward.container.run("systemctl", "restart", "steward")
            let after = try await steward.waitForSuccessor(of: before)
            #expect(after.pids == before.pids)
            #expect(after.master.adopted == 2)
            let result = try await load.expectNoneFailed(after: 20)
            #expect(result.pids.count == 1, "\(result)")
        }
    }

    /// Master and a worker die together: the worker is replaced, the others stay.
    @Test func masterAndAWorkerDieTogether() async throws {
        try await withAliceAndBob { steward, before in
            let loads = ["alice", "bob"].map { steward.load($0) { $0.connections = 2 } }
            for load in loads { try await load.more(10) }
            let alice = try #require(before.pids["alice"])
            try await steward.container.run("kill", "-s", "KILL", "\(before.master.pid)", "\(alice)")
            let after = try await steward.waitForSuccessor(of: before)
            #expect(after.pids["bob"] == before.pids["bob"])
            #expect(after.pids["alice"] != alice)
            #expect(after.user("alice")?.restarts == 1)
            for load in loads { try await load.expectNoneFailed(after: 10) }
        }
    }

    /// Master and keeper die together: the sockets come back from the workers.
    @Test func masterAndKeeperDieTogether() async throws {
        try await withAliceAndBob { steward, before in
            let load = steward.load("alice")
            try await load.more(10)
            let keeper = try #require(before.watcher("keeper")?.pid)
            try await steward.container.run("kill", "-s", "KILL", "\(before.master.pid)", "\(keeper)")
            let after = try await steward.waitForSuccessor(of: before)
            #expect(after.pids == before.pids)
            try await load.expectNoneFailed(after: 10)
            // A death after that is as harmless as ever.
            try await steward.signal("KILL", try #require(after.pids["bob"]))
            try await eventually("bob answers again") {
                guard let answer = try? WorkerAnswer(await steward.request("bob").send()) else { return false }
                return answer.pid != after.pids["bob"]
            }
        }
    }

    private func withAliceAndBob(_ body: (InstalledSteward, StatusReport) async throws -> Void) async throws {
        try await withSteward {
            $0.users = ["alice": "", "bob": ""]
            $0.nginx = true
        } _: { steward in
            try await body(steward, try await steward.waitUntilReady(["alice", "bob"]))
        }
    }

    /// In the middle of a swap: the customer is served by the old process or by the new one, and one is left at the end.
    @Test func masterDiesInTheMiddleOfASwap() async throws {
        try await withSteward {
            $0.users = ["alice": "env: {READY_AFTER: \"1\"}\n"]
            $0.nginx = true
        } _: { steward in
            let before = try await steward.waitUntilReady(["alice"])
            let load = steward.load("alice")
            try await load.more(10)
            try await steward.container.run("steward", "restart", "alice")
            try await steward.waitUntil("alice is being swapped") { $0.user("alice")?.state == "swapping" }
            try await steward.signal("KILL", before.master.pid)
            let after = try await steward.waitForSuccessor(of: before)
            #expect(after.pids["alice"] != before.pids["alice"])
            let result = try await load.expectNoneFailed(after: 10)
            #expect(result.pids.count == 2, "\(result)")
        }
    }

    /// Master is killed 20 times, one death after another, while 50 users of all kinds are asked through nginx.
    @Test func masterDiesTwentyTimesUnderLoad() async throws {
        let plain = (1...46).map { "user-\($0)" }
        let ready = plain + ["printing", "connected"]
        try await withSteward {
            $0.users = Dictionary(uniqueKeysWithValues: plain.map { ($0, "") })
            $0.users["printing"] = "env: {PRINTS: \"1\"}\n"
            $0.users["connected"] = "env: {CONNECTED: \"1\"}\n"
            $0.users["held"] = ""
            $0.users["looping"] = "env: {EXIT: \"3\"}\n"
            $0.settings["worker.restart"] = "{first: 0s, then: 50ms, cap: 1s}"
            $0.nginx = true
        } _: { steward in
            try await steward.waitUntilReady(ready + ["held"])
            try await steward.container.run("steward", "hold", "held", "--reason", "inventory", "--wait")
            let first = try await steward.waitUntil("looping is named") { report in
                report.user("looping")?.state == "crash-looping" && report.user("held")?.state == "held"
            }
            let loads = ready.map { name in steward.load(name, Self.steady) }
            let refused = ["held", "looping"].map { name in
                steward.load(name) {
                    Self.steady(&$0)
                    $0.expected = 503
                }
            }
            var before = first
            for _ in 1...20 {
                for load in [loads[0], loads[46]] + refused { try await load.more(2) }
                try await steward.signal("KILL", before.master.pid)
                before = try await steward.waitForSuccessor(of: before, except: ["looping"])
                for name in ready { #expect(before.pids[name] == first.pids[name], "\(name)") }
                #expect(before.user("held")?.state == "held")
                #expect(before.user("held")?.pid == nil)
                #expect(before.watcher("keeper")?.pid == first.watcher("keeper")?.pid)
            }
            try await expectEverythingSaid(steward)
            for load in loads + refused {
                let result = try await load.expectNoneFailed(after: 2)
                #expect(result.pids.count <= 1, "\(result)")
            }
            let report = try await steward.status()
            #expect(report.users.allSatisfy { $0.name == "looping" || $0.restarts == 0 }, "\(report.summary)")
            let printed = loads[46].result.outcomes["200"]
            try await eventually("every request of printing is in its log") {
                try await steward.logLines(of: "printing") == printed
            }
        }
    }

    @Sendable private static func steady(_ plan: inout LoadPlan) {
        plan.rate = 5
        plan.connections = 50
        plan.duration = .seconds(300)
    }

    /// A worker that connected its notifier once is still heard.
    private func expectEverythingSaid(_ steward: InstalledSteward) async throws {
        #expect(await steward.request("connected", "/?say=still-here").send().status == 200)
        try await eventually("the connected notifier is heard") {
            try await steward.container.run("steward", "why", "connected").contains("says of itself: still-here")
        }
        #expect(try await steward.property("NRestarts") == "20")
    }
}

extension InstalledSteward {
    /// Waits until another master serves the same users, and the unit's processes are those that it names: each user's
    /// one process, one set of watchers, nothing of an earlier master.
    ///
    /// - Parameter except: users whose processes come and go.
    func waitForSuccessor(of before: StatusReport, except: Set<String> = []) async throws -> StatusReport {
        try await eventually("another master serves, and nothing is left of the one before", every: .milliseconds(60)) {
            guard let report = try? await status(), report.master.pid != before.master.pid,
                report.watchers.allSatisfy({ $0.state == "up" }),
                before.users.allSatisfy({ old in
                    except.contains(old.name) || report.user(old.name)?.state == old.state
                })
            else { return nil }
            let passing = report.users.filter { except.contains($0.name) }.compactMap(\.pid)
            let isComplete = try await consists(of: Set(report.processes).subtracting(passing)) { pid in
                let environment = container.read("/proc/\(pid)/environ")
                return except.contains { environment?.contains("STEWARD_USER=\($0)\0") ?? true }
            }
            return isComplete ? report : nil
        }
    }

    /// How many lines a user's output has by now.
    func logLines(of user: String) async throws -> Int {
        let log = try await container.run("cat", "/var/log/steward/\(user).log")
        return log.split(separator: "\n").count
    }
}
