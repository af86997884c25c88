// Databases out of use for a while, by the operator or because they flap; users that are spread again.

import Shared
import Testing

@testable import Policy

@Suite struct DrainTests {
    private static let users = (1...6).compactMap { UserName("user-\($0)") }

    private static func script() -> Script {
        var script = Script { configuration in
            configuration.databases = ["a", "b"].map { DatabaseSettings($0, in: "main") }
            configuration.worker.startConcurrency = 2
        }
        for name in ["a", "b"] { script.database(name, .available) }
        return script
    }

    private static func count(_ script: Script, on database: String) -> Int {
        script.supervisor.databases[database]?.users ?? -1
    }

    /// Users that are out of service: they stop, wait or start.
    private static func away(_ script: Script) -> [User] {
        script.supervisor.users.values.filter { user in
            if let process = user.readyProcess { process.plan.database != user.database } else { true }
        }.sorted { $0.name < $1.name }
    }

    /// Takes the next steps of users that move, until all have; answers how many were away at a time at most.
    private static func settle(_ script: inout Script) -> Int {
        var most = 0
        while true {
            let away = away(script)
            guard !away.isEmpty else { return most }
            most = max(most, away.count)
            for user in away {
                switch user.actual {
                case .stopping(let departure): script.send(.exited(departure.process.id, .code(0)))
                case .starting(let start): script.send(.notified(start.process.id, .ready))
                case .absent, .queued, .ready, .swapping, .waiting: break
                }
            }
        }
    }

    @Test func aDrainedDatabaseIsLeftInAStagedWay() {
        var script = Self.script()
        for name in Self.users { _ = script.ready(name) { $0.database = "a" } }
        script.clear()
        script.send(.drain("a"))
        #expect(Self.away(script).count == 2, "the others are served meanwhile")
        #expect(Self.settle(&script) == 2)
        #expect(Self.count(script, on: "a") == 0)
        #expect(Self.count(script, on: "b") == 6)
        #expect(script.happenings.contains { $0.subject == "a" && $0.text == "drained (6 users)" })
        #expect(!script.happenings.contains { $0.weight == .warning })
        _ = script.ready(alice) { $0.database = "a" }
        #expect(script.status(alice).database == "b", "no new users are put on it")
    }

    @Test func whoHasNowhereToGoStaysAndIsServed() {
        var script = Self.script()
        script.database("b", .unavailable, "refused")
        _ = script.ready(alice) { $0.database = "a" }
        script.send(.drain("a"))
        script.wait(.seconds(10))
        #expect(script.state(alice) == "ready")
        script.database("b", .available)
        _ = Self.settle(&script)
        #expect(script.status(alice).database == "b")
    }

    @Test func undrainEndsTheMovesThatHaveNotBegun() {
        var script = Self.script()
        for name in Self.users { _ = script.ready(name) { $0.database = "a" } }
        script.send(.drain("a"))
        script.send(.undrain("a"))
        _ = Self.settle(&script)
        #expect(Self.count(script, on: "a") == 4)
    }

    @Test func aDrainIsKeptForTheNextMaster() {
        var configuration = Configuration()
        configuration.databases = [DatabaseSettings()]
        configuration.databases[0].name = "a"
        let supervisor = Supervisor(configuration, processors: 1, holds: [:], drained: ["a", "gone"], seed: 1)
        let clock = WallClock(wall: 0, now: Instant(nanoseconds: 0))
        #expect(supervisor.databaseStatuses(clock).map(\.isDrained) == [true])
    }

    /// What the operator has drained stays drained while it is not configured, in this master as in the next one.
    @Test func aDrainedDatabaseThatReturnsIsStillDrained() {
        var script = Self.script()
        script.send(.drain("a"))
        let whole = script.supervisor.configuration
        var without = whole
        without.databases.removeFirst()
        script.send(.configure(without, isConfirmed: true))
        #expect(script.supervisor.promise(of: .drain("b")) == .keepDrained(["a", "b"]))
        script.send(.configure(whole, isConfirmed: true))
        script.database("a", .available)
        #expect(script.supervisor.isDrained("a"))
        script.send(.undrain("a"))
        #expect(!script.supervisor.isDrained("a"))
    }

    @Test func rebalanceBringsUsersBackWithTheFewestChanges() {
        var script = Self.script()
        for name in Self.users { _ = script.ready(name) { $0.database = name.text < "user-3" ? "a" : "main" } }
        script.send(.drain("a"))
        _ = Self.settle(&script)
        script.send(.undrain("a"))
        script.clear()
        #expect(Self.count(script, on: "b") == 6)
        script.send(.rebalance)
        #expect(Self.settle(&script) == 2)
        #expect(script.status(Self.users[0]).database == "a")
        #expect(script.status(Self.users[1]).database == "a")
        #expect(Self.count(script, on: "a") == 3)
        #expect(script.started.count == 3)
        script.clear()
        script.send(.rebalance)
        #expect(script.started.isEmpty && Self.away(script).isEmpty)
    }

    @Test func whoCannotStartThereKeepsNobodyFromMoving() {
        var script = Self.script()
        for name in Self.users { _ = script.ready(name) { $0.database = "a" } }
        script.clear()
        script.send(.drain("a"))
        // Each process ends when it is told to, and none becomes ready.
        for _ in 0..<3 {
            for user in Self.away(script) {
                if case .stopping(let departure) = user.actual { script.send(.exited(departure.process.id, .code(0))) }
            }
            script.wait(User.placeTime)
        }
        #expect(Self.count(script, on: "b") == 6)
    }

    @Test func theStatusCountsUsersAndThoseOnTheirWay() {
        var script = Self.script()
        for name in Self.users { _ = script.ready(name) { $0.database = "a" } }
        script.send(.drain("a"))
        let clock = WallClock(wall: 0, now: script.now)
        let statuses = script.supervisor.databaseStatuses(clock)
        #expect(statuses.map(\.users) == [4, 2])
        #expect(statuses.map(\.moving) == [4, 2])
        #expect(statuses[0].before == "available")
    }

    @Test func whoIsAddedAgainLeavesItToo() {
        var script = Self.script()
        let worker = script.ready(alice) { $0.database = "a" }
        script.say(.pathwatch, .path(.deluser(alice)))
        script.send(.drain("a"))
        script.adduser(alice) { $0.database = "a" }
        #expect(script.status(alice).database == "b")
        script.send(.exited(worker, .code(0)))
        _ = Self.settle(&script)
        #expect(script.state(alice) == "ready")
    }

    @Test func theEndOfADrainedDatabaseIsNoAlert() {
        var script = Self.script()
        script.send(.drain("a"))
        script.clear()
        script.database("a", .unavailable, "refused")
        #expect(script.happenings.map(\.text) == ["drained: refused (0 users)"])
        #expect(script.happenings.map(\.weight) == [.routine])
    }

    // MARK: flapping

    @Test func aFlappingDatabaseIsDampedAndNamed() {
        var script = Self.script()
        for state in [DatabaseState.unavailable, .available, .unavailable] { script.database("a", state) }
        #expect(script.supervisor.databases["a"]?.flapping.isDamped == false)
        script.clear()
        script.database("a", .available)
        let status = script.supervisor.databaseStatuses(WallClock(wall: 0, now: script.now))[0]
        #expect(status.report.state == .unavailable)
        #expect(status.report.cause == "flapping: more than 3 changes in a minute")
        let alerts = script.happenings.filter { $0.weight == .warning }
        #expect(alerts.map(\.text) == ["unavailable: flapping: more than 3 changes in a minute (0 users)"])
        script.wait(.milliseconds(29_999))
        #expect(script.supervisor.databases["a"]?.state == .unavailable)
        script.wait(.milliseconds(1))
        #expect(script.supervisor.databases["a"]?.state == .available)
    }

    @Test func itHasToBeAvailableWithoutABreak() {
        var script = Self.script()
        for state in [DatabaseState.unavailable, .available, .unavailable, .available] { script.database("a", state) }
        script.wait(.seconds(20))
        script.clear()
        script.database("a", .unavailable)
        script.database("a", .available)
        #expect(script.happenings.isEmpty, "a flapping database is told of once")
        script.wait(.milliseconds(29_999))
        #expect(script.supervisor.databases["a"]?.state == .unavailable)
        script.wait(.milliseconds(1))
        #expect(script.supervisor.databases["a"]?.state == .available)
    }

    @Test func changesThatAreFarApartAreNoFlapping() {
        var script = Self.script()
        for state in [DatabaseState.unavailable, .available, .unavailable, .available] {
            script.database("a", state)
            script.wait(.seconds(21))
        }
        #expect(script.supervisor.databases["a"]?.state == .available)
    }
}
