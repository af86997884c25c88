// The small pure parts of master.

import Shared
import Testing

@testable import master

@Suite struct RestartHistoryTests {
    private static func delays(_ deaths: [(at: Int64, readyFor: Int64?)], chance: Double = 0.5) -> [Duration] {
        var history = RestartHistory()
        return deaths.map { death in
            let now = Instant(nanoseconds: death.at * 1_000_000_000)
            let since = death.readyFor.map { Instant(nanoseconds: (death.at - $0) * 1_000_000_000) }
            return history.died(at: now, readySince: since, settings: RestartSettings(), chance: chance).delay
        }
    }

    @Test func theFirstAtOnceThenLongerAndLonger() {
        #expect(
            Self.delays([(0, nil), (100, nil), (200, nil), (300, nil)])
                == [.zero, .milliseconds(500), .seconds(1), .seconds(2)])
    }

    @Test func aMinuteOfReadinessBeginsANewRow() {
        #expect(Self.delays([(0, nil), (100, nil), (200, 60)]).last == .zero)
        #expect(Self.delays([(0, nil), (100, nil), (200, 59)]).last == .seconds(1))
    }

    @Test func fiveWithinAMinuteAreACrashLoopAtTheCap() {
        #expect(Self.delays([(0, nil), (1, nil), (2, nil), (3, nil), (4, nil)]).last == .seconds(60))
        #expect(Self.delays([(0, nil), (20, nil), (40, nil), (61, nil), (90, nil)]).last == .seconds(4))
    }

    @Test func theCapAndTheJitterHold() {
        let many = (0..<20).map { (at: Int64($0) * 1000, readyFor: Int64?.none) }
        #expect(Self.delays(many).last == .seconds(60))
        #expect(Self.delays(many, chance: 0).last == .seconds(48))
        #expect(Self.delays(many, chance: 1).last == .seconds(72))
    }
}

@Suite struct ConnectionInfoTests {
    @Test(arguments: [
        ("host=127.0.0.1 port=5433 dbname=invoicing user=app", "postgresql://app@127.0.0.1:5433/invoicing"),
        ("host=/run/pg dbname=x", "postgresql:///x?host=%2Frun%2Fpg"),
        ("dbname = 'my db' password='it\\'s' user=a", "postgresql://a:it%27s@/my%20db"),
        (
            "postgresql://app:p%40ss@db.example:5432/x?sslmode=require",
            "postgresql://app:p%40ss@db.example:5432/x?sslmode=require"
        ),
        ("host=a,b port=1,2 dbname=x", "postgresql:///x?host=a%2Cb&port=1%2C2"),
        ("", "postgresql:///"),
    ])
    func databaseURL(_ given: String, _ url: String) {
        #expect(ConnectionInfo(given).environment["DATABASE_URL"] == url)
    }

    @Test func theVariablesOfLibpq() {
        let uri = ConnectionInfo("postgres://app:p%40ss@[::1]:5433/x?sslmode=require").environment
        #expect(uri["PGHOST"] == "::1" && uri["PGPORT"] == "5433" && uri["PGDATABASE"] == "x")
        #expect(uri["PGUSER"] == "app" && uri["PGPASSWORD"] == "p@ss" && uri["PGSSLMODE"] == "require")
        let words = ConnectionInfo("host=/run/pg dbname=x").environment
        #expect(words["PGHOST"] == "/run/pg" && words["PGPORT"] == nil && words["PGPASSWORD"] == nil)
    }
}

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

@Suite struct NotifySocketTests {
    @Test func assignmentsAreReadLineByLine() {
        let text = "READY=1\nSTATUS=warm\nMAINPID=7\nWATCHDOG=1\n"
        #expect(NotifySocket.parse(Array(text.utf8)[...]) == [.ready, .status("warm"), .heartbeat])
        #expect(NotifySocket.parse([0xFF, 0x00, 0x0A]).isEmpty)
    }
}
