// Another version of the application, with real workers behind nginx, under load.

import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct UpgradeTests {
    private static let paying = (1...10).map { "paying-\($0)" }
    private static let free = (1...18).map { "free-\($0)" }
    private static let pinned = ["pinned-1", "pinned-2"]
    private static let everybody = paying + free + pinned

    /// 30 users of version 1, under load.
    ///
    /// - Parameter mayFail: whether requests may fail, because no user can be served for a while.
    private static func with(
        soak: String = "1s", mayFail: Bool = false, _ edit: @escaping (inout Tree.Plan) -> Void = { _ in },
        _ body: (Tree) async throws -> Void
    ) async throws {
        try await Tree.with {
            for name in paying { $0.users[name] = "plan: paid" }
            for name in free { $0.users[name] = "" }
            for name in pinned { $0.users[name] = "{plan: paid, package: '1'}" }
            $0.settings["packages"] = "./packages"
            $0.settings["worker.command"] = "[/usr/bin/python3, app.py]"
            $0.settings["upgrade"] = "{parallel: 3, soak: \(soak)}"
            $0.settings["worker.ready_timeout"] = "8s"
            $0.nginx = true
            edit(&$0)
        } _: { tree in
            try tree.publish("1")
            try tree.setCurrent("1")
            try await tree.waitUntil("all ready") { report in
                everybody.allSatisfy { report.user($0)?.isReady == true && report.user($0)?.package == "1" }
            }
            let loads = Loads(tree, everybody)
            try await loads.more(2)
            try await body(tree)
            for result in try await loads.stop() where !mayFail { #expect(result.failed == 0, "\(result)") }
            try await tree.expectEachUserServed()
        }
    }

    /// Requests to all users, to some of them at each moment.
    private struct Loads {
        private let loads: [Load]

        init(_ tree: Tree, _ names: [String]) {
            loads = names.map { name in
                tree.load(name) {
                    $0.rate = 3
                    $0.connections = 10
                    $0.duration = .seconds(600)
                }
            }
        }

        func more(_ count: Int) async throws {
            for load in loads { try await load.more(count) }
        }

        /// Ends them.
        ///
        /// - Returns: how many have failed, with what came of one of those.
        func stop() async throws -> [LoadResult] {
            try await more(3)
            var results: [LoadResult] = []
            for load in loads { results.append(try await load.stop()) }
            return results
        }
    }

    private static func pids(_ report: StatusReport) -> [String: Int32] {
        Dictionary(uniqueKeysWithValues: everybody.compactMap { name in report.user(name)?.pid.map { (name, $0) } })
    }

    private static func isInForce(_ report: StatusReport, _ version: String) -> Bool {
        report.upgrade == nil && report.package(version)?.inForce == true
    }

    @Test func aGoodVersionReachesThePayingUsersAlone() async throws {
        try await Self.with { tree in
            let before = Self.pids(try await tree.status())
            try tree.publish("2")
            try tree.setCurrent("2")
            let report = try await tree.waitUntil("2 is in force") { Self.isInForce($0, "2") }
            let after = Self.pids(report)
            for name in Self.paying {
                #expect(report.user(name)?.package == "2")
                #expect(before[name] != after[name])
                #expect(try await tree.answer(name).shown?.hasPrefix("2 ") == true)
            }
            for name in Self.free + Self.pinned {
                #expect(report.user(name)?.package == "1")
                #expect(before[name] == after[name], "\(name)")
            }
            let events = try await tree.steward("events").output
            #expect(events.contains("upgrade to 2 begins: 10 users"))
        }
    }

    /// What a broken version does, and how long it has to be well.
    struct Broken: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let environment: [String: String]
        var soak = "1s"
    }

    private static let broken = [
        Broken(testDescription: "crashes at its start", environment: ["EXIT": "3"]),
        Broken(testDescription: "fails its check", environment: ["HEALTH": "500"]),
        Broken(testDescription: "dies after five seconds", environment: ["DIES_AFTER": "5"], soak: "6s"),
        Broken(testDescription: "never gets ready", environment: ["READY_AFTER": "3600", "SILENT": "1"]),
    ]

    @Test(arguments: broken) func aBrokenVersionStopsAtTheCanary(_ broken: Broken) async throws {
        try await Self.with(soak: broken.soak) { tree in
            let before = Self.pids(try await tree.status())
            try tree.publish("2", environment: broken.environment)
            try tree.setCurrent("2")
            let report = try await tree.waitUntil("2 is held") { report in
                report.upgrade == nil && report.package("2")?.held != nil
            }
            #expect(Self.pids(report) == before)
            #expect(Self.everybody.allSatisfy { report.user($0)?.package == "1" })
            let reasons = Self.everybody.compactMap { report.user($0)?.reason }
            #expect(reasons.count == 1 && reasons[0].hasPrefix("2 failed: "), "\(reasons)")
            let alerts = try String(contentsOfFile: tree.log, encoding: .utf8).split(separator: "\n")
                .filter { $0.contains("upgrade to 2 stopped") }
            #expect(alerts.count == 1, "\(alerts)")
        }
    }

    @Test func itGoesOnAfterMasterIsKilledInTheMiddle() async throws {
        try await Self.with { tree in
            try tree.publish("2")
            try tree.setCurrent("2")
            try await tree.waitUntil("some are changed") { ($0.upgrade?.changed ?? 0) >= 2 }
            try await tree.replaceMaster()
            let report = try await tree.waitUntil("2 is in force") { Self.isInForce($0, "2") }
            #expect(Self.paying.allSatisfy { report.user($0)?.package == "2" })
            #expect((Self.free + Self.pinned).allSatisfy { report.user($0)?.package == "1" })
        }
    }

    @Test func anAbortBringsEverybodyBack() async throws {
        try await Self.with(soak: "3s") { tree in
            try tree.publish("2")
            try tree.setCurrent("2")
            try await tree.waitUntil("some are changed") { ($0.upgrade?.changed ?? 0) >= 2 }
            let result = try await tree.steward("upgrade", "abort", "--wait")
            #expect(result.status == 0, "\(result.errors)")
            let report = try await tree.waitUntil("all run 1") { report in
                Self.everybody.allSatisfy { report.user($0)?.package == "1" && report.user($0)?.isReady == true }
            }
            #expect(report.package("2")?.held == "aborted by the operator")
        }
    }

    @Test func theLastOfTwoVersionsWins() async throws {
        try await Self.with { tree in
            for version in ["2", "3"] {
                try tree.publish(version)
                try tree.setCurrent(version)
                try await Task.sleep(for: .milliseconds(500))
            }
            let report = try await tree.waitUntil("3 is in force") { Self.isInForce($0, "3") }
            #expect(Self.paying.allSatisfy { report.user($0)?.package == "3" })
            let events = try await tree.steward("events").output
            let swaps = events.split(separator: "\n").filter { $0.contains("ready after") && $0.contains("soak") }
            #expect(swaps.count == Self.paying.count, "\(swaps.joined(separator: "\n"))")
        }
    }

    @Test func aDatabaseThatIsAwayPausesIt() async throws {
        try await PostgreSQL.with { server in
            try await Self.with(mayFail: true) { plan in
                plan.settings["databases.main.conninfo"] = "\"\(server.conninfo())\""
                plan.settings["database_check"] = "{interval: 300ms, timeout: 1s, rise: 1, login_interval: 300ms}"
            } _: { tree in
                try tree.publish("2")
                try tree.setCurrent("2")
                try await tree.waitUntil("one is changed") { ($0.upgrade?.changed ?? 0) >= 1 }
                try await server.stop()
                try await tree.waitUntil("it waits") { $0.upgrade?.state == "waiting" }
                try await server.start()
                let report = try await tree.waitUntil("2 is in force") { Self.isInForce($0, "2") }
                #expect(Self.paying.allSatisfy { report.user($0)?.package == "2" })
                #expect(report.packages.allSatisfy { $0.held == nil })
            }
        }
    }
}
