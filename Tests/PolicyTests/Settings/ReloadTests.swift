// Another configuration while everything runs: which users are touched, and what waits for the operator.

import Shared
import Testing

@testable import Policy

@Suite struct ReloadTests {
    private static func names(_ count: Int) -> [UserName] {
        (1...count).compactMap { UserName("user-\($0)") }
    }

    private static func database(_ name: String, group: String? = "main") -> DatabaseSettings {
        var database = DatabaseSettings(name, in: group)
        database.conninfo += " password=secret"
        return database
    }

    private static func script(databases: [String] = ["a", "b"]) -> Script {
        var script = Script { $0.databases = databases.map { database($0) } }
        for name in databases { script.database(name, .available) }
        return script
    }

    private func reload(_ script: inout Script, yes: Bool = false, _ change: (inout Configuration) -> Void) {
        var next = script.supervisor.configuration
        change(&next)
        script.clear()
        script.send(.configure(next, isConfirmed: yes))
    }

    private func isWaiting(_ script: Script) -> Bool {
        if case .waits = script.supervisor.reading { true } else { false }
    }

    // MARK: the gate

    /// So many users of one database, all ready.
    private static func crowd(_ count: Int) -> Script {
        var script = script(databases: ["a"])
        for name in names(count) { _ = script.ready(name) }
        return script
    }

    @Test(arguments: [(5, false), (6, true), (60, true)])
    func aMoveOfManyWaits(count: Int, waits: Bool) {
        var script = Self.crowd(count)
        let elsewhere = { (file: inout Configuration) in file.databases[0].conninfo = "host=elsewhere" }
        reload(&script, elsewhere)
        #expect(isWaiting(script) == waits)
        #expect((script.supervisor.configuration.databases[0].conninfo == "host=elsewhere") == !waits)
        guard waits else { return }
        #expect(script.happenings.map(\.weight) == [.warning])
        #expect(script.happenings.first?.text.contains("\(count) users: move") == true, "\(script.happenings)")
        // Said once, however often the file is looked at.
        reload(&script, elsewhere)
        #expect(script.happenings.isEmpty)
        reload(&script, yes: true, elsewhere)
        script.database("a", .available)
        #expect(Self.names(count).allSatisfy { script.state($0) == "stopping" })
        #expect(script.supervisor.reading?.complaint == nil)
    }

    @Test func tenPercentOfManyAreFewEnough() {
        var script = Script { $0.worker.startConcurrency = 100 }
        let names = Self.names(60)
        for (index, name) in names.enumerated() {
            _ = script.ready(name) { if index >= 6 { $0.command = ["own"] } }
        }
        reload(&script) { $0.worker.command = ["new"] }
        #expect(!isWaiting(script))
        #expect(Set(script.started.map(\.user)) == Set(names.prefix(6)))
    }

    @Test func takingBackWhatWaitsEndsTheWaiting() {
        var script = Self.crowd(6)
        reload(&script) { $0.databases[0].conninfo = "host=elsewhere" }
        #expect(isWaiting(script))
        reload(&script) { _ in }
        #expect(script.supervisor.reading == .unchanged)
        #expect(script.happenings.count == 1)
        #expect(script.effects.isEmpty)
    }

    // MARK: nothing

    @Test func aFaultyFileTouchesNothingAndIsToldOnce() {
        var script = Self.script()
        _ = script.ready(alice)
        let before = script.supervisor.configuration
        script.clear()
        script.send(.configurationFaulty("/etc/steward.yaml:3:5: no"))
        script.send(.configurationFaulty("/etc/steward.yaml:3:5: no"))
        #expect(script.effects.isEmpty)
        #expect(script.happenings.count == 1)
        #expect(script.supervisor.configuration == before)
        #expect(script.supervisor.reading?.complaint?.contains("/etc/steward.yaml:3:5: no") == true)
    }

    @Test func theSameFileTouchesNothing() {
        var script = Self.script()
        _ = script.ready(alice)
        reload(&script) { _ in }
        #expect(script.effects.isEmpty && script.happenings.isEmpty)
        #expect(script.supervisor.reading == .unchanged)
    }

    @Test func whatOnlyAnotherMasterTakesOverIsNamedAndTheRestApplied() {
        var script = Self.script()
        _ = script.ready(alice)
        reload(&script) {
            $0.users = "/elsewhere"
            $0.socketMode = 0o600
            $0.worker.env = ["A": "1"]
        }
        #expect(script.supervisor.configuration.users == "/srv/users")
        #expect(script.supervisor.configuration.socketMode == 0o660)
        #expect(script.started.count == 1)
        let warning = script.happenings.first { $0.weight == .warning }
        #expect(warning?.text == "users, socket.mode: in force with the next start of master")
        #expect(script.supervisor.reading?.complaint == warning?.text)
        reload(&script) { $0.users = "/elsewhere" }
        #expect(script.effects.isEmpty)
    }

    // MARK: databases

    @Test func anAddedDatabaseIsWatchedAndMovesNobody() {
        var script = Self.script()
        _ = script.ready(alice)
        reload(&script) { $0.databases.append(Self.database("c")) }
        #expect(script.effects == [.snapshot(.pathwatch), .snapshot(.dbwatch)])
        #expect(script.supervisor.databases.groups == ["main": ["a", "b", "c"]])
        script.clear()
        script.adduser(bob) { $0.database = "c" }
        #expect(script.started.isEmpty, "nobody knows yet whether it is there")
        script.database("c", .available)
        #expect(script.started.map(\.user) == [bob])
    }

    @Test func usersOfARemovedDatabaseGoToItsGroup() {
        var script = Self.script()
        let old = script.ready(alice) { $0.database = "a" }
        _ = script.ready(bob) { $0.database = "b" }
        reload(&script) { $0.databases.removeFirst() }
        #expect(script.supervisor.users[alice]?.database == "b")
        #expect(script.started.isEmpty, "never two writers")
        #expect(script.supervisor.databases["b"]?.users == 2)
        script.send(.exited(old, .code(0)))
        #expect(script.started.map(\.user) == [alice])
        #expect(script.state(bob) == "ready")
    }

    @Test func whoNamesARemovedDatabaseThatStoodAloneIsHeldAndTakenBack() {
        var script = Self.script()
        let old = script.ready(alice) { $0.database = "a" }
        reload(&script) { $0.databases = [Self.database("c", group: nil)] }
        #expect(script.supervisor.users[alice]?.database == nil)
        script.send(.exited(old, .code(0)))
        #expect(script.state(alice) == "held")
        #expect(script.status(alice).reason == "database a is not configured")
        reload(&script) { $0.databases = [Self.database("a")] }
        script.database("a", .available)
        #expect(script.started.map(\.user) == [alice])
    }

    @Test func anotherServerUnderTheSameNameIsAnotherDatabase() {
        var script = Self.script()
        let old = script.ready(alice) { $0.database = "a" }
        reload(&script) { $0.databases[0].conninfo = "host=elsewhere" }
        #expect(script.state(alice) == "ready", "nothing is known of the other server yet")
        script.database("a", .available)
        #expect(script.started.isEmpty)
        #expect(script.state(alice) == "stopping")
        script.send(.exited(old, .code(0)))
        #expect(script.started.map(\.user) == [alice])
    }

    // MARK: watchers

    @Test func watchersComeAndGoWithTheirWork() {
        var script = Script { $0.worker.check.path = "" }
        _ = script.ready(alice)
        #expect(script.supervisor.watcherStatuses().map(\.name) == ["keeper", "pathwatch"])
        reload(&script) {
            $0.databases = [Self.database("a")]
            $0.worker.check.path = "/healthz"
        }
        #expect(script.supervisor.watcherStatuses().map(\.name) == ["keeper", "pathwatch", "dbwatch", "dispatch"])
        for kind in [WatcherKind.dbwatch, .dispatch] { script.hello(kind) }
        reload(&script) {
            $0.databases = []
            $0.worker.check.path = ""
        }
        #expect(script.effects.contains(.dismissWatcher(.dbwatch)))
        #expect(script.effects.contains(.dismissWatcher(.dispatch)))
        for kind in [WatcherKind.dbwatch, .dispatch] {
            script.send(.watcherExited(kind, generation: 1, why: "exit 0"))
        }
        script.clear()
        script.wait(.seconds(30))
        #expect(!script.effects.contains { if case .startWatcher = $0 { true } else { false } })
        #expect(script.supervisor.watcherStatuses().map(\.name) == ["keeper", "pathwatch"])
        reload(&script) { $0.databases = [Self.database("a")] }
        #expect(script.effects.contains(.startWatcher(.dbwatch, generation: 2)))
    }

    @Test func oneThatIsNeededAgainBeforeItHasEndedStays() {
        var script = Self.script()
        reload(&script) { $0.databases = [] }
        reload(&script) { $0.databases = [Self.database("a")] }
        script.clear()
        script.send(.watcherExited(.dbwatch, generation: 1, why: "exit 0"))
        script.wait(.milliseconds(1))
        #expect(script.effects.contains(.startWatcher(.dbwatch, generation: 2)))
    }

    @Test func outputGoesElsewhereAtOnce() {
        var script = Self.script()
        _ = script.ready(alice)
        reload(&script) { $0.logs = "/elsewhere" }
        #expect(script.effects == [.moveLogs(to: "/elsewhere")])
    }

    @Test func aChangeOfTheSwapModeConcernsSwapsThatWait() {
        var script = Script { $0.worker.startConcurrency = 1 }
        let worker = script.ready(alice)
        script.adduser(bob)
        script.moduser(alice) { $0.env["A"] = "1" }
        #expect(script.state(alice) == "ready")
        reload(&script) { $0.worker.swap = .stopFirst }
        #expect(script.state(alice) == "stopping")
        script.send(.notified(script.lastStarting, .ready))
        script.send(.exited(worker, .code(0)))
        #expect(script.state(alice) == "starting")
    }
}
