// Sequences of events that once led to a fault, as the simulation or a review found them.

import Shared
import Testing

@testable import Policy

@Suite struct MendedTests {
    /// Two databases, and word from those that are named.
    private static func script(available: [String] = ["a", "b"], places: Int = 4) -> Script {
        var script = Script { configuration in
            configuration.worker.startConcurrency = places
            configuration.databases = ["a", "b"].map { DatabaseSettings($0) }
        }
        for name in available { script.database(name, .available) }
        return script
    }

    // MARK: swaps

    @Test func aSwapThatFailsWhileTheDatabaseComesBackLeavesNobodyBehindTheStandIn() {
        var script = Self.script()
        let old = script.ready(alice) { $0.database = "a" }
        let socket = script.socket(of: old) ?? SocketID()
        script.database("a", .unavailable)
        script.moduser(alice) {
            $0.database = "a"
            $0.env["COLOUR"] = "wrong"
        }
        script.database("a", .available)
        #expect(script.state(alice) == "swapping")
        script.clear()
        script.send(.exited(script.lastStarting, .code(1)))
        #expect(script.effects.contains { if case .check(let order) = $0 { order.worker == old } else { false } })
        script.verdict(old, .passing, .passed)
        #expect(script.effects.contains(.link(socket)))
        #expect(script.state(alice) == "ready")
    }

    @Test func whenTheOldOneDiesInASwapRequestsWaitForTheNewOne() {
        var script = Script()
        let old = script.ready(alice)
        let left = script.socket(of: old) ?? SocketID()
        script.send(.restart(alice))
        let new = script.supervisor.users[alice]?.actual.processes.last?.socket ?? SocketID()
        script.clear()
        script.send(.exited(old, .signal(11)))
        #expect(new != left)
        #expect(script.effects.filter { $0 == .link(new) || $0 == .retire(left, .restarting) }.count == 2)
        script.clear()
        script.wait(.milliseconds(1999))
        #expect(!script.effects.contains(.answer(new, .starting)))
        script.wait(.milliseconds(1))
        #expect(script.effects.contains(.answer(new, .starting)))
    }

    @Test func aReplacementThatWasGivenUpMakesRoomForTheNextOne() {
        var script = Script()
        let sick = script.ready(alice)
        let other = script.ready(bob)
        script.verdict(sick, .failing, .wrongStatus, status: 500)
        #expect(script.state(alice) == "swapping")
        script.verdict(other, .failing, .wrongStatus, status: 500)
        #expect(script.state(bob) == "ready", "one at a time")
        script.moduser(alice) { $0.env["COLOUR"] = "blue" }
        script.verdict(other, .failing, .wrongStatus, status: 500)
        #expect(script.state(bob) == "swapping")
    }

    // MARK: databases

    @Test func whoIsQueuedAndMovedToADatabaseWithoutAWordStartsWithTheWord() {
        var script = Self.script(available: ["a"], places: 1)
        script.adduser(bob) { $0.database = "a" }
        script.adduser(alice) { $0.database = "a" }
        script.moduser(alice) { $0.database = "b" }
        script.clear()
        script.send(.notified(script.lastStarting, .ready))
        #expect(script.started.isEmpty)
        script.database("b", .available)
        #expect(script.started.map(\.user) == [alice])
    }

    @Test func whoComesBackOnAnotherDatabaseWaitsForTheOldProcessToEnd() {
        var script = Self.script()
        let old = script.ready(alice) { $0.database = "a" }
        script.deluser(alice)
        script.clear()
        script.adduser(alice) { $0.database = "b" }
        script.wait(.seconds(2))
        #expect(script.started.isEmpty)
        #expect(script.effects.contains { if case .answer(_, .starting) = $0 { true } else { false } })
        script.send(.exited(old, .code(0)))
        #expect(script.started.count == 1)
    }

    @Test func whoIsMovedWhileQueuedWaitsForTheOldProcessToEnd() {
        var script = Self.script(places: 1)
        let old = script.ready(alice) { $0.database = "a" }
        script.adduser(bob) { $0.database = "a" }
        script.deluser(alice)
        script.adduser(alice) { $0.database = "a" }
        script.moduser(alice) { $0.database = "b" }
        script.clear()
        script.send(.notified(script.lastStarting, .ready))
        #expect(script.started.isEmpty, "there is a place, but the old process still writes to its database")
        script.send(.exited(old, .code(0)))
        #expect(script.started.map(\.user) == [alice])
    }

    // MARK: starts and ends

    @Test func aStartThatHangsGivesItsPlaceBackAfterFiveSeconds() {
        var script = Script { $0.worker.startConcurrency = 1 }
        script.adduser(alice)
        script.adduser(bob)
        script.wait(.milliseconds(4999))
        #expect(script.started.map(\.user) == [alice])
        script.wait(.milliseconds(1))
        #expect(script.started.map(\.user) == [alice, bob])
        #expect(script.state(alice) == "starting")
    }

    @Test(arguments: [0, 5]) func aLeavingProcessIsTerminatedOnceThoughAllAreStopped(emptyLooks: Int) {
        var script = Script()
        let worker = script.ready(alice)
        script.clear()
        script.deluser(alice)
        for _ in 0..<emptyLooks { script.send(.probed(worker, isEmpty: true)) }
        script.send(.stop)
        #expect(script.effects.filter { $0 == .signal(worker, Signal.terminate, leaderOnly: true) }.count == 1)
    }

    @Test func aNamesakeGoesOnCounting() {
        var script = Script()
        let worker = script.ready(alice)
        script.deluser(alice)
        script.send(.exited(worker, .code(0)))
        #expect(script.supervisor.users[alice] == nil)
        script.clear()
        script.adduser(alice)
        #expect(script.effects.contains(.open(SocketID(user: alice, generation: 3))))
    }

    // MARK: master's own troubles

    @Test func aSocketThatCouldNotBeMadeIsMadeAgain() {
        var script = Script()
        script.adduser(alice) { $0.enabled = false }
        let socket = SocketID(user: alice, generation: 1)
        script.send(.faceFailed(alice))
        script.clear()
        script.wait(.milliseconds(999))
        #expect(script.effects.isEmpty)
        script.wait(.milliseconds(1))
        #expect(script.effects.starts(with: [.open(socket), .link(socket), .answer(socket, .disabled)]))
    }

    @Test func aPauseOfMasterItselfKillsNoWatcher() {
        var script = Script()
        let kinds: [WatcherKind] = [.keeper, .pathwatch, .dispatch]
        for kind in kinds { script.hello(kind) }
        script.wait(.seconds(2))
        for kind in kinds { script.say(kind, .alive) }
        script.clear()
        script.now = script.now + .seconds(20)
        script.send(.tick)
        #expect(!script.effects.contains { if case .killWatcher = $0 { true } else { false } })
        #expect(script.effects.contains(.ping(.keeper)))
    }
}
