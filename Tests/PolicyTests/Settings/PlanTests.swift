// What a worker is started with.

import Shared
import Testing

@testable import Policy

@Suite struct PlanTests {
    @Test func theCommandComesFromStartThenTheUserThenTheConfiguration() {
        var script = Script { $0.worker.command = ["serve", "{user}", "{folder}/x"] }
        script.adduser(alice)
        func command() -> [String] {
            script.supervisor.users[alice].map { script.supervisor.plan(for: $0).command } ?? []
        }
        #expect(command() == ["serve", "alice", "/srv/users/alice/x"])
        script.moduser(alice) { $0.command = ["own"] }
        #expect(command() == ["own"])
        script.moduser(alice) {
            $0.command = ["own"]
            $0.start = 7
        }
        #expect(command() == ["/srv/users/alice/start"])
    }

    @Test func theEnvironmentIsCleanAndTheUsersOwnWins() {
        var script = Script { $0.worker.env = ["A": "general", "B": "general"] }
        script.adduser(alice) { $0.env = ["A": "own"] }
        let env = script.supervisor.users[alice].map { script.supervisor.plan(for: $0).env } ?? [:]
        #expect(env["A"] == "own" && env["B"] == "general")
        #expect(env["STEWARD_USER"] == "alice" && env["NOTIFY_SOCKET"] == "/run/steward/notify")
        #expect(env["LISTEN_FDS"] == "1" && env["STEWARD_DATABASE"] == nil && env["HOME"] == nil)
    }
}
