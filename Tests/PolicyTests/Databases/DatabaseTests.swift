// What a database's state means for its users.

import Shared
import Testing

@testable import Policy

@Suite struct DatabaseTests {
    private static func script() -> Script {
        Script { $0.databases = ["main-a", "main-b"].map { DatabaseSettings($0, in: "main") } }
    }

    @Test func usersWaitForTheFirstWord() {
        var script = Self.script()
        script.adduser(alice) { $0.database = "main-a" }
        #expect(script.started.isEmpty)
        #expect(script.state(alice) == "queued")
        script.database("main-a", .available)
        #expect(script.started.count == 1)
    }

    @Test func withoutAWordTheyStartAfterTimeoutAndOneSecond() {
        var script = Self.script()
        script.adduser(alice) { $0.database = "main-a" }
        script.wait(.milliseconds(2999))
        #expect(script.started.isEmpty)
        script.wait(.milliseconds(1))
        #expect(script.started.count == 1)
    }

    @Test func anUnavailableDatabaseHoldsItsUsersAndLeavesTheirWorkersRunning() {
        var script = Self.script()
        script.database("main-a", .available)
        script.database("main-b", .available)
        let worker = script.ready(alice) { $0.database = "main-a" }
        _ = script.ready(bob) { $0.database = "main-b" }
        let socket = script.socket(of: worker) ?? SocketID()
        script.clear()
        script.database("main-a", .unavailable, "refused")
        #expect(script.state(alice) == "held")
        #expect(script.status(alice).reason == "database main-a is unavailable: refused")
        #expect(script.status(alice).pid != nil)
        #expect(script.effects.contains { if case .answer(_, .database) = $0 { true } else { false } })
        #expect(!script.effects.contains { if case .signal = $0 { true } else { false } })
        #expect(script.state(bob) == "ready")
        script.verdict(worker, .failing, .wrongStatus, status: 503)
        #expect(script.state(alice) == "held", "a worker whose database is away is left alone")

        script.clear()
        script.database("main-a", .available)
        #expect(script.effects.contains { if case .check(let order) = $0 { order.awaitsReady } else { false } })
        #expect(script.state(alice) == "held")
        script.verdict(worker, .passing, .passed)
        #expect(script.effects.contains(.link(socket)))
        #expect(script.state(alice) == "ready")
        #expect(script.started.isEmpty)
        #expect(script.status(alice).restarts == 0)
    }

    @Test func aWorkerThatDiesMeanwhileIsNotRestartedUntilTheDatabaseIsBack() {
        var script = Self.script()
        script.database("main-a", .available)
        let worker = script.ready(alice) { $0.database = "main-a" }
        script.database("main-a", .unavailable, "refused")
        script.clear()
        script.send(.exited(worker, .code(1)))
        script.wait(.seconds(300))
        #expect(script.started.isEmpty)
        #expect(script.status(alice).restarts == 0, "nothing is counted against it")
        script.database("main-a", .available)
        #expect(script.started.count == 1)
    }

    @Test func aReleasedWorkerThatNeverPassesIsReplaced() {
        var script = Self.script()
        script.database("main-a", .available)
        let worker = script.ready(alice) { $0.database = "main-a" }
        script.database("main-a", .unavailable, "refused")
        script.database("main-a", .available)
        script.clear()
        script.wait(.seconds(60))
        #expect(script.effects.contains(.signal(worker, Signal.abort, leaderOnly: true)))
    }

    @Test func usersOfAGroupAreSpread() {
        var script = Self.script()
        script.database("main-a", .available)
        script.database("main-b", .available)
        script.adduser(alice)
        script.adduser(bob) { $0.database = "main" }
        #expect(script.status(alice).database == "main-a")
        #expect(script.status(bob).database == "main-b")
        script.deluser(alice)
        script.send(.exited(WorkerID(user: alice, generation: 2), .code(0)))
        #expect(script.supervisor.databases["main-a"]?.users == 0)
    }

    @Test func anotherDatabaseMeansStopFirst() {
        var script = Self.script()
        script.database("main-a", .available)
        script.database("main-b", .available)
        let worker = script.ready(alice) { $0.database = "main-a" }
        script.clear()
        script.moduser(alice) { $0.database = "main-b" }
        #expect(script.started.isEmpty, "never two writers on two databases")
        script.send(.exited(worker, .code(0)))
        #expect(script.started.count == 1)
        #expect(script.status(alice).database == "main-b")
    }

    @Test func whileDbwatchIsAwayTheLastTableStands() {
        var script = Self.script()
        script.database("main-a", .available)
        _ = script.ready(alice) { $0.database = "main-a" }
        let generation = script.supervisor.watchers[.dbwatch]?.generation ?? 0
        func isOld() -> [Bool] {
            script.supervisor.databaseStatuses(WallClock(wall: 0, now: script.now)).map(\.isOld)
        }
        #expect(isOld() == [false, false])
        script.clear()
        script.send(.watcherExited(.dbwatch, generation: generation, why: "signal 9"))
        #expect(isOld() == [true, false], "there is no word about the other one yet")
        script.wait(.seconds(60))
        #expect(script.state(alice) == "ready")
        // What the dead one has said comes late, and the next one has not looked yet.
        var late = DatabaseReport()
        (late.name, late.state) = ("main-a", .unavailable)
        script.hello(.dbwatch)
        script.send(.watcherSaid(.dbwatch, generation: generation, .database(late)))
        #expect(script.state(alice) == "ready")
        #expect(isOld() == [true, false])
        script.database("main-a", .available)
        #expect(isOld() == [false, false])
    }
}
