// Users that move to another database of their group.

import Shared
import Testing

@testable import Policy

@Suite struct MoveTests {
    private static let users = (1...6).compactMap { UserName("user-\($0)") }

    /// Databases a, b, c are group main, and so available; d stands alone.
    private static func script(_ change: @escaping (inout Configuration) -> Void = { _ in }) -> Script {
        var script = Script { configuration in
            configuration.databases = ["a", "b", "c", "d"].map { DatabaseSettings($0, in: $0 == "d" ? nil : "main") }
            configuration.worker.startConcurrency = 2
            change(&configuration)
        }
        for name in ["a", "b", "c", "d"] { script.database(name, .available) }
        return script
    }

    /// Lets the processes that were told to end do so, and the starting ones become ready, until nothing moves.
    private static func settle(_ script: inout Script) {
        while true {
            let users = script.supervisor.users.values.sorted { $0.name < $1.name }
            let ready = users.flatMap { user -> [WorkerID] in
                if case .starting(let start) = user.actual { [start.process.id] } else { [] }
            }
            let ending = users.flatMap { user -> [WorkerID] in
                if case .stopping(let departure) = user.actual { [departure.process.id] } else { [] }
            }
            guard !ready.isEmpty || !ending.isEmpty else { return }
            for id in ending { script.send(.exited(id, .code(0))) }
            for id in ready { script.send(.notified(id, .ready)) }
        }
    }

    private static func databases(_ script: Script, _ names: [UserName] = users) -> [String] {
        names.map { script.status($0).database ?? "none" }
    }

    // MARK: an unavailable database

    @Test func usersMoveAfterMoveAfterAndNotBefore() {
        var script = Self.script()
        let worker = script.ready(alice) { $0.database = "a" }
        script.clear()
        script.database("a", .unavailable, "refused")
        script.wait(.milliseconds(999))
        #expect(script.status(alice).database == "a")
        #expect(!script.effects.contains { if case .signal = $0 { true } else { false } })
        script.wait(.milliseconds(1))
        #expect(script.status(alice).database == "b")
        #expect(script.effects.contains(.signal(worker, Signal.terminate, leaderOnly: true)))
        #expect(script.started.isEmpty, "never two writers on two databases")
        #expect(script.status(alice).reason == "moves to database b")
        script.send(.exited(worker, .code(0)))
        #expect(script.started.count == 1)
        script.send(.notified(script.lastStarted(alice), .ready))
        #expect(script.state(alice) == "ready")
        #expect(script.status(alice).restarts == 0)
    }

    @Test func theyStayWhenTheirDatabaseIsBack() {
        var script = Self.script()
        _ = script.ready(alice) { $0.database = "a" }
        script.database("a", .unavailable, "refused")
        script.wait(.seconds(1))
        Self.settle(&script)
        script.clear()
        script.database("a", .available)
        script.moduser(alice) {
            $0.database = "a"
            $0.plan = .paid
        }
        script.wait(.seconds(60))
        #expect(script.status(alice).database == "b")
        #expect(script.started.isEmpty)
    }

    @Test func whoIsBackInTimeDoesNotMove() {
        var script = Self.script()
        _ = script.ready(alice) { $0.database = "a" }
        script.database("a", .unavailable, "refused")
        script.wait(.milliseconds(900))
        script.database("a", .available)
        script.wait(.seconds(10))
        #expect(script.status(alice).database == "a")
    }

    @Test func whoHasNowhereToGoWaitsAndItsWorkerRunsOn() {
        var script = Self.script()
        _ = script.ready(alice) { $0.database = "d" }
        script.clear()
        script.database("d", .unavailable, "refused")
        script.wait(.seconds(60))
        #expect(script.status(alice).database == "d")
        #expect(script.state(alice) == "held")
        #expect(!script.effects.contains { if case .signal = $0 { true } else { false } })
    }

    @Test func theyGoToTheFirstMemberThatComesBack() {
        var script = Self.script()
        _ = script.ready(alice) { $0.database = "a" }
        for name in ["a", "b", "c"] { script.database(name, .unavailable, "refused") }
        script.wait(.seconds(60))
        #expect(script.status(alice).database == "a")
        script.database("c", .available)
        #expect(script.status(alice).database == "c")
        Self.settle(&script)
        #expect(script.state(alice) == "ready")
    }

    @Test func aWorkerThatHangsWithItsDatabaseIsKilledAfterTwoSeconds() {
        var script = Self.script()
        let worker = script.ready(alice) { $0.database = "a" }
        script.database("a", .unavailable, "timeout")
        script.wait(.seconds(1))
        script.clear()
        script.wait(.milliseconds(1999))
        #expect(!script.effects.contains { if case .signal = $0 { true } else { false } })
        script.wait(.milliseconds(1))
        #expect(script.effects.contains(.signal(worker, Signal.kill, leaderOnly: false)))
    }

    @Test func newUsersAvoidADatabaseThatIsAway() {
        var script = Self.script()
        script.database("a", .unavailable, "refused")
        _ = script.ready(alice) { $0.database = "a" }
        #expect(script.status(alice).database == "b")
    }

    @Test func oneAlertForTheDatabaseAndNoneForItsUsers() {
        var script = Self.script { $0.worker.startConcurrency = 10 }
        for name in Self.users { _ = script.ready(name) { $0.database = "a" } }
        script.clear()
        script.database("a", .unavailable, "refused")
        script.database("a", .unavailable, "starting")
        script.wait(.seconds(1))
        Self.settle(&script)
        let alerts = script.happenings.filter { $0.weight == .warning }
        #expect(alerts.map(\.text) == ["unavailable: refused (6 users)"])
        #expect(script.happenings.contains { $0.text == "6 users move within main" && $0.user == nil })
        #expect(Self.databases(script) == ["b", "c", "b", "c", "b", "c"])
    }

    // MARK: the database is back

    @Test func whoNeedsAStartComesPayingFirstAndNeverMoreThanMayBeStarting() {
        var script = Self.script()
        let workers = Self.users.map { name in
            script.ready(name) {
                $0.database = "d"
                $0.plan = name.text > "user-3" ? .paid : .free
            }
        }
        script.database("d", .unavailable, "refused")
        for worker in workers { script.send(.exited(worker, .code(1))) }
        script.clear()
        script.database("d", .available)
        var order: [UserName] = []
        while script.started.count > order.count {
            #expect(script.supervisor.starting.count <= 2)
            let new = script.started.dropFirst(order.count)
            order += new.map(\.user)
            for id in new { script.send(.notified(id, .ready)) }
        }
        #expect(order.map(\.text) == ["user-4", "user-5", "user-6", "user-1", "user-2", "user-3"])
    }
}
