// How many at a time make new connections to a database.

import Shared
import Testing

@testable import Policy

@Suite struct ArrivalTests {
    private static let users = (1...9).compactMap { UserName("user-\($0)") }

    /// Databases a and b stand alone; a has room for four new connections at a time.
    private static func script(_ change: @escaping (inout Configuration) -> Void = { _ in }) -> Script {
        var script = Script { configuration in
            configuration.databases = ["a", "b"].map { DatabaseSettings($0) }
            configuration.worker.startConcurrency = 6
            change(&configuration)
        }
        script.database("a", .available, maxConnections: 6)
        script.database("b", .available)
        return script
    }

    private static func arriving(_ script: Script) -> Int { script.supervisor.databases["a"]?.arriving.count ?? -1 }

    /// Workers that dispatch was told to check, to let them back.
    private static func returning(_ script: Script) -> [WorkerID] {
        script.effects.compactMap { effect in
            guard case .check(let order) = effect, order.awaitsReady else { return nil }
            return order.worker
        }
    }

    @Test func noMoreStartThanHaveRoomAndNobodyElseWaitsForThem() {
        var script = Self.script()
        for name in Self.users { script.adduser(name) { $0.database = "a" } }
        #expect(script.started.map(\.user) == Array(Self.users.prefix(4)))
        let reason = "waits for a place among 4 processes that connect to database a at a time"
        #expect(script.status(Self.users[4]).reason == reason)
        script.adduser(alice) { $0.database = "b" }
        script.adduser(bob) { $0.database = "b" }
        #expect(script.started.suffix(2).map(\.user) == [alice, bob], "who works elsewhere does not wait")
        for index in 0..<9 {
            script.send(.notified(script.started.filter { $0.user != alice && $0.user != bob }[index], .ready))
            #expect(Self.arriving(script) <= 4)
        }
        #expect(Self.arriving(script) == 0)
        #expect(script.started.count == 11)
    }

    @Test func whoHangsKeepsItsPlaceUntilItHasEnded() {
        var script = Self.script { $0.worker.readyTimeout = .seconds(10) }
        for name in Self.users.prefix(5) { script.adduser(name) { $0.database = "a" } }
        script.wait(.seconds(10))
        #expect(script.started.count == 4, "it may have its connection still")
        script.send(.exited(script.started[0], .signal(6)))
        #expect(script.started.count == 5)
    }

    @Test func whoRanOnIsLetBackByTurnsPayingFirst() {
        var script = Self.script()
        let workers = Self.users.map { name in
            script.ready(name) {
                $0.database = "a"
                $0.plan = name.text > "user-6" ? .paid : .free
            }
        }
        script.database("a", .unavailable, "refused")
        script.clear()
        script.database("a", .available)
        let order = [6, 7, 8, 0, 1, 2, 3, 4, 5].map { workers[$0] }
        #expect(Self.returning(script) == Array(order.prefix(4)))
        #expect(script.status(Self.users[5]).state == "held")
        #expect(script.status(Self.users[5]).reason?.contains("connect to database a") == true)
        for worker in order {
            script.verdict(worker, .passing, .passed)
            #expect(Self.arriving(script) <= 4)
        }
        #expect(Self.returning(script) == order)
        #expect(Self.users.allSatisfy { script.state($0) == "ready" })
        #expect(script.started.isEmpty)
    }

    @Test func whatIsKnownOfAServerStaysWhileItIsAway() {
        var script = Self.script()
        for name in Self.users { _ = script.ready(name) { $0.database = "a" } }
        script.database("a", .unavailable, "refused")
        script.database("a", .available)
        #expect(Self.arriving(script) == 4)
        script.database("a", .unavailable, "refused")
        #expect(Self.arriving(script) == 0)
    }

    @Test func oneMayAlwaysArrive() {
        var script = Self.script()
        script.database("a", .available, maxConnections: 1)
        for name in Self.users.prefix(2) { script.adduser(name) { $0.database = "a" } }
        #expect(script.started.count == 1)
    }

    @Test func aQueuedUserWhoMovesWaitsForItsNewDatabase() {
        var script = Self.script { configuration in
            for index in configuration.databases.indices { configuration.databases[index].group = "main" }
        }
        for name in Self.users.prefix(5) { script.adduser(name) { $0.database = "a" } }
        script.clear()
        script.moduser(Self.users[4]) { $0.database = "b" }
        #expect(script.started.map(\.user) == [Self.users[4]])
    }
}
