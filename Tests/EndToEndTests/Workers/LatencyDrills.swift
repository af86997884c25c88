// How much customers notice in time: figures for a quiet machine, so these run only where they are asked for.
//
//   STEWARD_DRILL=1 swift test --filter LatencyDrills

import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite(
    .serialized,
    .enabled(if: getenv("STEWARD_DRILL") != nil, "timings need a quiet machine: STEWARD_DRILL=1 runs them"))
struct LatencyDrills {
    private static func names(_ count: Int) -> [String] { (1...count).map { "user-\($0)" } }

    private static var small: String { "[/usr/bin/python3, \(Sources.path("Tests/Workers/small.py"))]" }

    /// An open loop: the requests come at their own times, whether or not the last one is answered.
    private func steadily(_ tree: Tree, _ user: String) -> Load {
        tree.load(user) {
            $0.rate = 200
            $0.connections = 200
            $0.duration = .seconds(300)
        }
    }

    private func measure(_ tree: Tree, _ user: String, for time: Duration) async throws -> LoadResult {
        let load = steadily(tree, user)
        try await Task.sleep(for: time)
        return try await load.stop()
    }

    private func report(_ what: String, _ result: LoadResult, against quiet: LoadResult) throws {
        let (p99, base) = (try #require(result.p99), try #require(quiet.p99))
        let ratio = (p99 / base * 100).rounded() / 100
        print("\(what): p99 \(p99.milliseconds) ms, quiet \(base.milliseconds) ms, ratio \(ratio); \(result)")
        #expect(result.failed == 0)
    }

    @Test func heldUsersAreAnsweredAtOnce() async throws {
        try await Tree.with {
            $0.users = ["alice": ""]
            $0.nginx = true
        } _: { tree in
            try await tree.waitUntilReady("alice")
            let load = steadily(tree, "alice")
            for _ in 1...5 {
                try await load.more(100)
                try await tree.steward("hold", "alice", "--wait")
                try await load.more(100)
                try await tree.steward("release", "alice", "--wait")
            }
            let result = try await load.stop()
            print("held and released five times: \(result)")
            #expect(Set(result.outcomes.keys) == ["200", "503"])
            #expect(try #require(result.longest) < .milliseconds(100))
        }
    }

    @Test func neighboursThatMisbehave() async throws {
        let misbehaving = ["looping": "env: {EXIT: \"3\"}\n", "hung": "", "forking": "env: {CHILD: \"1\"}\n"]
        try await Tree.with {
            $0.users = ["alice": ""]
            $0.settings["worker.check"] = "{path: /healthz, interval: 1s, timeout: 500ms, fall: 3}"
            $0.nginx = true
        } _: { tree in
            try await tree.waitUntilReady("alice")
            let quiet = try await measure(tree, "alice", for: .seconds(15))
            for (name, text) in misbehaving { try tree.addUser(name, text) }
            try await tree.waitUntilReady("hung", "forking")
            let load = steadily(tree, "alice")
            for _ in 1...5 {
                async let hanging = tree.get("hung", "/?hang=1")
                if let pid = try await tree.status().user("forking")?.pid { kill(pid, SIGKILL) }
                try await Task.sleep(for: .seconds(3))
                _ = await hanging
            }
            try report("neighbours that misbehave", try await load.stop(), against: quiet)
        }
    }

    @Test func fiveHundredUsersStarting() async throws {
        let crowd = Self.names(500)
        try await Tree.with {
            $0.users = ["alice": ""]
            $0.settings["worker.command"] = Self.small
            $0.settings["worker.check"] = "{path: /healthz, interval: 60s}"
            $0.nginx = true
        } _: { tree in
            try await tree.waitUntilReady("alice")
            let quiet = try await measure(tree, "alice", for: .seconds(15))
            let first = steadily(tree, "alice")
            let begun = Instant.now()
            for name in crowd { try tree.addUser(name) }
            try await Task.sleep(for: .seconds(1))
            try report("500 users added", try await first.stop(), against: quiet)
            let load = steadily(tree, "alice")
            // Asked seldom: the status of 500 users costs more than the starts that are measured.
            try await eventually("the crowd is ready", within: .seconds(300), every: .seconds(2)) {
                try await tree.status().users.count { $0.isReady } == crowd.count + 1
            }
            let took = Instant.now() - begun
            try report("500 users starting within \(took.milliseconds) ms", try await load.stop(), against: quiet)
        }
    }
}
