import Shared
import Testing

@testable import dbwatch

private let start = Instant(nanoseconds: 1_000_000_000_000)

private func database(_ name: String, _ conninfo: String = "host=a", group: String? = nil) -> DatabaseSettings {
    var settings = DatabaseSettings()
    settings.name = name
    settings.conninfo = conninfo
    settings.group = group
    return settings
}

extension Director {
    /// A whole snapshot.
    fileprivate mutating func order(
        _ databases: [DatabaseSettings], _ settings: DatabaseCheckSettings = DatabaseCheckSettings(),
        at now: Instant = start
    ) -> [Effect] {
        var effects = step(.order(.settings(settings)), now)
        for database in databases { effects += step(.order(.database(database)), now) }
        return effects + step(.order(.complete), now)
    }

    /// A connection that has just been asked for and its first answer.
    fileprivate mutating func logIn(
        _ name: String, _ role: Role = .readWrite, latency: Duration = .milliseconds(1), at now: Instant = start
    ) -> [Effect] {
        let opening = step(.watchdog(name, .resolved(.kept)), now) + step(.watchdog(name, .connected(.kept)), now)
        return opening + step(.watchdog(name, .answered(.kept, Answer(role: role))), now + latency)
    }
}

private func reports(_ effects: [Director.Effect]) -> [String] {
    effects.compactMap {
        if case .report(let report) = $0 { report.description } else { nil }
    }
}

@Test func nothingHappensBeforeTheSnapshotIsComplete() {
    var director = Director()
    #expect(director.step(.order(.settings(DatabaseCheckSettings())), start) == [])
    #expect(director.step(.order(.database(database("a"))), start) == [])
    #expect(director.deadline == nil)
    #expect(director.step(.order(.complete), start) == [.know("a", conninfo: "host=a", timeout: .seconds(2))])
    #expect(director.step(.time, start) == [.connect(Director.Key(database: "a", lane: .kept))])
    // A second end mark without a snapshot would end everything.
    #expect(director.step(.order(.complete), start) == [])
}

@Test func onlyTheDifferenceOfASnapshotIsActedOn() {
    var director = Director()
    _ = director.order([database("same"), database("changed"), database("gone")])
    _ = director.step(.time, start)
    let effects = director.order([database("same", group: "other"), database("changed", "host=b"), database("new")])
    func closed(_ name: String) -> [Director.Effect] {
        Lane.allCases.map { .close(Director.Key(database: name, lane: $0)) } + [.forget(name)]
    }
    let known = ["changed": "host=b", "new": "host=a"].sorted { $0.key < $1.key }.map {
        Director.Effect.know($0.key, conninfo: $0.value, timeout: .seconds(2))
    }
    #expect(effects == closed("changed") + closed("gone") + known)
    #expect(
        director.step(.time, start) == [
            .connect(Director.Key(database: "changed", lane: .kept)),
            .connect(Director.Key(database: "new", lane: .kept)),
        ])
    #expect(director.logIn("gone") == [])
}

@Test func newSettingsReachTheWatchdogsWithoutDisturbance() {
    var director = Director()
    _ = director.order([database("a")])
    _ = director.step(.time, start)
    #expect(reports(director.logIn("a", .inRecovery)) == ["a unavailable: in recovery"])
    var settings = DatabaseCheckSettings()
    settings.writable = false
    #expect(director.order([database("a")], settings) == [])
    settings.timeout = .seconds(3)
    #expect(
        director.order([database("a")], settings) == [.know("a", conninfo: "host=a", timeout: .seconds(3))])
}

@Test func reportsAreChanges() {
    var director = Director()
    _ = director.order([database("a")])
    _ = director.step(.time, start)
    #expect(reports(director.logIn("a")) == ["a available read-write 1.0 ms"])
    var now = start
    var later: [String] = []
    func fail(_ cause: Cause) {
        later += reports(director.step(.watchdog("a", .failed(.kept, cause)), now))
        while let deadline = director.deadline {
            now = max(now, deadline)
            if director.step(.time, now).contains(.connect(Director.Key(database: "a", lane: .kept))) { return }
        }
    }
    fail(.closed)
    #expect(later == [])
    fail(.refused)
    fail(.refused)
    fail(.starting)
    #expect(later == ["a unavailable: refused", "a unavailable: starting"])
}

@Test func aSlowPassOfAnUnavailableDatabaseIsNoNews() {
    var director = Director()
    _ = director.order([database("a")])
    _ = director.step(.time, start)
    #expect(reports(director.step(.watchdog("a", .failed(.kept, .refused)), start)) == ["a unavailable: refused"])
    let later = start + .seconds(20)
    _ = director.step(.time, later)
    #expect(reports(director.logIn("a", latency: .milliseconds(50), at: later)) == ["a unavailable: refused"])
    #expect(reports(director.step(.watchdog("a", .failed(.kept, .refused)), later)) == [])
}

@Test func theFirstVerdictAfterAChangeIsAlwaysReported() {
    var director = Director()
    for conninfo in ["host=a", "host=b", "host=a"] {
        _ = director.order([database("a", conninfo)])
        _ = director.step(.time, start)
        #expect(reports(director.logIn("a")) == ["a available read-write 1.0 ms"])
    }
}

@Test func latencyIsWorthAnUpdateNowAndThen() {
    func isWorth(_ old: Int, _ new: Int, after: Duration) -> Bool {
        Director.isWorthUpdate(from: .microseconds(old), to: .microseconds(new), since: after)
    }
    #expect(!isWorth(400, 600, after: .seconds(9)))
    #expect(isWorth(400, 600, after: .seconds(10)))
    #expect(!isWorth(400, 450, after: .seconds(100)))
    #expect(isWorth(400, 90_000, after: .seconds(1)))
    #expect(isWorth(90_000, 400, after: .seconds(1)))
    #expect(!isWorth(400, 90_000, after: .milliseconds(900)))
    #expect(!isWorth(400, 5_000, after: .seconds(1)))
    #expect(Director.isWorthUpdate(from: nil, to: .seconds(1), since: .zero))
    #expect(!Director.isWorthUpdate(from: .seconds(1), to: nil, since: .seconds(60)))
}

@Test func lines() {
    var report = DatabaseReport()
    report.name = "main-a"
    report.state = .available
    report.role = "read-write"
    report.latency = 0.4321
    #expect(FromDBWatch.report(report).description == "main-a available read-write 0.4 ms")
    report.state = .unavailable
    report.cause = "refused"
    #expect(FromDBWatch.report(report).description == "main-a unavailable: refused")
}
