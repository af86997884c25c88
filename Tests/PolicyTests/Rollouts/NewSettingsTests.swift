// Worker settings for many users reach them by a rollout, or are held.

import Shared
import Testing

@testable import Policy

@Suite struct NewSettingsTests {
    /// The last two pay.
    private static let names = (1...8).compactMap { UserName("user-\($0)") }
    private static let order = [names[6], names[7]] + names.prefix(6)

    private static func script(_ change: (inout Configuration) -> Void = { _ in }) -> Script {
        var script = Script {
            $0.worker.startConcurrency = 100
            change(&$0)
        }
        for (index, name) in names.enumerated() { _ = script.ready(name) { if index >= 6 { $0.plan = .paid } } }
        script.say(.pathwatch, .path(.complete))
        script.clear()
        return script
    }

    private static func reload(
        _ script: inout Script, yes: Bool = false, _ change: (inout Configuration) -> Void = { _ in }
    ) {
        var next = script.supervisor.configuration
        change(&next)
        script.send(.configure(next, isConfirmed: yes))
    }

    private static func color(_ color: String) -> (inout Configuration) -> Void {
        { $0.worker.env["COLOR"] = color }
    }

    private static func proveNew(_ script: inout Script, _ name: UserName) {
        let new = script.lastStarted(name)
        script.send(.notified(new, .ready))
        script.wait(.seconds(6))
        script.verdict(new, .passing, .passed)
    }

    /// By what each user's last process was started since the last `clear`.
    private static func colors(_ script: Script, _ names: [UserName]) -> [String?] {
        names.map { script.plan(of: script.lastStarted($0)).env["COLOR"] }
    }

    private static func warnings(_ script: Script) -> [String] {
        script.happenings.filter { $0.weight == .warning }.map(\.text)
    }

    private static func isOver(_ script: Script) -> Bool {
        script.supervisor.upgrade.rollout == nil && script.supervisor.upgrade.newSettings == nil
    }

    // MARK: settings that work

    @Test func oneCanaryThenThePayingOnesThenTheRest() {
        var script = Self.script { $0.upgrade.parallel = 1 }
        Self.reload(&script, Self.color("blue"))
        #expect(script.started.map(\.user) == [Self.order[0]])
        let status = script.supervisor.upgradeStatus(WallClock(wall: 0, now: script.now))
        #expect(status?.target == "new worker settings" && status?.total == 8)
        let canary = script.lastStarted(Self.order[0])
        script.send(.notified(canary, .ready))
        #expect(!script.effects.contains(.link(SocketID(of: canary))), "it has to soak")
        for name in Self.order { Self.proveNew(&script, name) }
        #expect(script.started.map(\.user) == Self.order)
        #expect(Self.colors(script, Self.names).allSatisfy { $0 == "blue" })
        #expect(Self.isOver(script))
        #expect(Self.warnings(script).isEmpty)
        let text = script.happenings.last { $0.rule == "upgrade" }?.text
        #expect(text == "new worker settings are in force: 8 users changed")
    }

    @Test func fewAreSwappedAtOnce() {
        var script = Script { $0.worker.startConcurrency = 100 }
        for name in Self.names.prefix(5) { _ = script.ready(name) }
        script.say(.pathwatch, .path(.complete))
        script.clear()
        Self.reload(&script, Self.color("blue"))
        #expect(script.started.count == 5 && Self.isOver(script))
    }

    @Test func whatIsNotAboutSwapsIsInForceAtOnce() {
        var script = Self.script()
        Self.reload(&script) {
            $0.worker.env["COLOR"] = "blue"
            $0.worker.limits.memory = 1 << 20
            $0.worker.check.interval = .seconds(3)
        }
        let user = script.supervisor.users[Self.names[0]] ?? User(settings: UserSettings(), since: script.now)
        #expect(script.supervisor.limits(user).memory == 1 << 20)
        #expect(script.supervisor.checkSettings(user, user.version).interval == .seconds(3))
        #expect(script.started.count == 1)
    }

    @Test func whoDoesNotDependOnThemHasNoTurn() {
        var script = Self.script()
        script.moduser(Self.names[0]) { $0.env["COLOR"] = "own" }
        script.send(.notified(script.lastStarted(Self.names[0]), .ready))
        script.clear()
        Self.reload(&script, Self.color("blue"))
        for name in Self.order { Self.proveNew(&script, name) }
        #expect(Set(script.started.map(\.user)) == Set(Self.names.dropFirst()))
        #expect(Self.isOver(script))
    }

    // MARK: settings that do not

    @Test func aCanaryThatFailsKeepsEverybodyOnTheFormerOnes() {
        var script = Self.script()
        Self.reload(&script) { $0.worker.command = ["broken"] }
        script.send(.exited(script.lastStarted(Self.order[0]), .code(1)))
        let why = "\(Self.order[0]): exit 1"
        #expect(script.started.count == 1)
        #expect(Self.warnings(script).count { $0.contains("stopped") } == 1, "\(Self.warnings(script))")
        #expect(
            script.supervisor.settingsNotice
                == "new worker settings failed: \(why); the former ones stay until the file changes or `steward reload --yes`"
        )
        #expect(script.status(Self.order[0]).reason == "new worker settings failed: exit 1")
        // Not in a loop; a crash and a new user change nothing about that.
        script.wait(.seconds(300))
        Self.reload(&script)
        #expect(script.started.count == 1)
        let old = script.workers(of: Self.names[0]).first ?? WorkerID()
        script.send(.exited(old, .signal(11)))
        #expect(script.plan(of: script.lastStarted(Self.names[0])).command == ["python3", "app.py"])
        script.adduser(alice)
        #expect(script.plan(of: script.lastStarted(alice)).command == ["python3", "app.py"])
        for name in [Self.names[0], alice] { script.send(.notified(script.lastStarted(name), .ready)) }
        script.clear()
        // The operator may know better.
        Self.reload(&script, yes: true)
        #expect(script.started.map(\.user) == [Self.order[0]])
        #expect(script.plan(of: script.lastStarted(Self.order[0])).command == ["broken"])
        script.send(.exited(script.lastStarted(Self.order[0]), .code(1)))
        script.clear()
        Self.reload(&script) { $0.worker.command = ["python3", "app.py"] }
        #expect(script.started.isEmpty && Self.isOver(script))
    }

    @Test func whoWasChangedGoesBack() {
        var script = Self.script { $0.worker.env["COLOR"] = "red" }
        Self.reload(&script, Self.color("blue"))
        Self.proveNew(&script, Self.order[0])
        #expect(script.started.count == 6)
        script.send(.exited(script.lastStarted(Self.order[1]), .code(1)))
        for name in Self.order.prefix(6) { script.send(.notified(script.lastStarted(name), .ready)) }
        #expect(Self.colors(script, [Self.order[0]]) == ["red"])
        #expect(script.supervisor.upgrade.rollout == nil)
        #expect(Self.names.allSatisfy { script.state($0) == "ready" })
        let users = script.supervisor.users.values
        #expect(users.allSatisfy { script.supervisor.plan(for: $0).env["COLOR"] == "red" })
        #expect(!users.contains { user in user.actual.processes.contains { script.supervisor.isOutdated($0, user) } })
    }

    @Test func withinTheBudgetTheOthersGetThem() {
        var script = Self.script { $0.upgrade.maxFailures = 2 }
        Self.reload(&script, Self.color("blue"))
        script.send(.exited(script.lastStarted(Self.order[0]), .code(1)))
        for name in Self.order.dropFirst() { Self.proveNew(&script, name) }
        #expect(Self.isOver(script))
        script.wait(.seconds(60))
        #expect(script.started.count == 8, "it is not tried again")
        #expect(script.state(Self.order[0]) == "ready")
    }

    // MARK: meanwhile

    @Test func aCrashBeforeTheTurnStartsTheFormerOnes() {
        var script = Self.script { $0.worker.env["COLOR"] = "red" }
        let old = script.workers(of: Self.names[0]).first ?? WorkerID()
        Self.reload(&script, Self.color("blue"))
        script.send(.exited(old, .signal(11)))
        #expect(Self.colors(script, [Self.names[0]]) == ["red"])
        script.send(.notified(script.lastStarted(Self.names[0]), .ready))
        for name in Self.order { Self.proveNew(&script, name) }
        #expect(Self.colors(script, Self.names).allSatisfy { $0 == "blue" } && Self.isOver(script))
    }

    @Test func aUsersOwnChangeComesAtOnceAndByTheFormerOnes() {
        var script = Self.script { $0.worker.env["COLOR"] = "red" }
        Self.reload(&script, Self.color("blue"))
        script.moduser(Self.names[0]) { $0.env["OWN"] = "1" }
        let own = script.plan(of: script.lastStarted(Self.names[0])).env
        #expect(own["OWN"] == "1" && own["COLOR"] == "red")
        script.send(.notified(script.lastStarted(Self.names[0]), .ready))
        for name in Self.order { Self.proveNew(&script, name) }
        #expect(Self.colors(script, Self.names).allSatisfy { $0 == "blue" } && Self.isOver(script))
    }

    @Test func anotherChangeInTheMiddleSwapsNobodyTwiceForNothing() {
        var script = Self.script { $0.worker.env["COLOR"] = "red" }
        Self.reload(&script, Self.color("blue"))
        Self.proveNew(&script, Self.order[0])
        let overtaken = script.lastStarted(Self.order[1])
        script.clear()
        Self.reload(&script, Self.color("green"))
        #expect(script.effects.contains(.signal(overtaken, Signal.terminate, leaderOnly: true)))
        // What has nothing to do with it, goes on with it.
        Self.reload(&script) { $0.worker.check.interval = .seconds(3) }
        for name in Self.order { Self.proveNew(&script, name) }
        #expect(script.started.map(\.user).sorted() == Self.names)
        #expect(Self.colors(script, Self.names).allSatisfy { $0 == "green" } && Self.isOver(script))
    }

    @Test func takenBackInTheMiddleTheFewWhoHaveThemGoBack() {
        var script = Self.script { $0.worker.env["COLOR"] = "red" }
        Self.reload(&script, Self.color("blue"))
        Self.proveNew(&script, Self.order[0])
        script.clear()
        Self.reload(&script, Self.color("red"))
        #expect(script.started.map(\.user) == [Self.order[0]])
        #expect(Self.colors(script, [Self.order[0]]) == ["red"] && Self.isOver(script))
    }

    @Test func theOperatorPausesAndAborts() {
        var script = Self.script { $0.worker.env["COLOR"] = "red" }
        Self.reload(&script, Self.color("blue"))
        script.send(.upgrade(.pause))
        Self.proveNew(&script, Self.order[0])
        #expect(script.started.count == 1)
        script.send(.upgrade(.abort))
        #expect(Self.colors(script, [Self.order[0]]) == ["red"])
        script.send(.notified(script.lastStarted(Self.order[0]), .ready))
        #expect(script.supervisor.settingsNotice?.contains("aborted by the operator") == true)
        #expect(script.supervisor.upgrade.rollout == nil)
    }

    @Test func versionsAndSettingsWaitForEachOther() {
        var script = Self.script {
            $0.packages = "/srv/packages"
            $0.upgrade.free = .follow
        }
        for version in ["1.0", "2.0"] { script.publish(version) }
        script.current("1.0")
        for name in Self.names { script.send(.notified(script.lastStarted(name), .ready)) }
        script.clear()
        script.current("2.0")
        Self.reload(&script, Self.color("blue"))
        #expect(script.supervisor.settingsNotice == "new worker settings wait for the end of the upgrade to 2.0")
        for name in Self.order { Self.proveNew(&script, name) }
        #expect(script.supervisor.upgrade.inForce == "2.0")
        #expect(script.supervisor.upgrade.rollout?.target == .settings)
        script.publish("3.0")
        script.current("3.0")
        #expect(script.supervisor.objection(to: UpgradeRequest(.start, version: "3.0")) != nil)
        for name in Self.order { Self.proveNew(&script, name) }
        #expect(script.supervisor.upgrade.rollout?.target == .package("3.0"))
        for name in Self.order { Self.proveNew(&script, name) }
        #expect(Self.isOver(script) && script.supervisor.upgrade.inForce == "3.0")
        let plans = Self.names.map { script.plan(of: script.lastStarted($0)) }
        #expect(plans.allSatisfy { $0.version == "3.0" && $0.env["COLOR"] == "blue" })
    }

    // MARK: the next master

    /// What a master leaves that ran these users by blue settings and all others by red ones; the file says blue.
    private static func successor(blue: Set<UserName> = [], count: Int = 8) -> Script {
        var remains: [UserName: Remains] = [:]
        for name in names.prefix(count) {
            var process = ProcessRecord()
            (process.generation, process.socket, process.pid, process.stage) = (1, 1, 1001, .ready)
            process.readyAt = Instant(nanoseconds: 0)
            var past = Script { $0.worker.env["COLOR"] = blue.contains(name) ? "blue" : "red" }
            past.adduser(name)
            process.fingerprint =
                past.supervisor.users[name].map { past.supervisor.plan(for: $0).identity.fingerprint } ?? 0
            var record = UserRecord()
            (record.name, record.generation, record.processes) = (name, 1, [process])
            let socket = SocketID(user: name, generation: 1)
            remains[name] = Remains(record: record, face: Face(socket: socket), sockets: [socket])
        }
        var script = Script(
            {
                $0.worker.env["COLOR"] = "blue"
                $0.worker.startConcurrency = 100
            }, remains: remains)
        for name in names.prefix(count) { script.adduser(name) }
        #expect(script.started.isEmpty, "before everybody is known")
        script.say(.pathwatch, .path(.complete))
        return script
    }

    @Test func theNextMasterGoesOnWithThoseWhoHaveThemNot() {
        var script = Self.successor(blue: [Self.names[3]])
        #expect(script.started.map(\.user) == [Self.names[0]])
        for name in Self.names { Self.proveNew(&script, name) }
        #expect(Set(script.started.map(\.user)) == Set(Self.names).subtracting([Self.names[3]]))
        #expect(script.started.count == 7 && Self.isOver(script))
    }

    @Test func ofFewTheNextMasterSwapsThemAtOnce() {
        let script = Self.successor(count: 5)
        #expect(script.started.count == 5 && Self.isOver(script))
    }

    @Test func whereTheyFailTheNextMasterLeavesTheOthersAsTheyAre() {
        var script = Self.successor()
        Self.proveNew(&script, Self.names[0])
        script.send(.exited(script.lastStarted(Self.names[1]), .code(1)))
        for name in Self.names.dropFirst(2) { script.send(.exited(script.lastStarted(name), .code(0))) }
        script.clear()
        script.wait(.seconds(300))
        #expect(script.started.isEmpty)
        #expect(script.supervisor.settingsNotice?.contains("users without them run on as before") == true)
        #expect(Self.names.allSatisfy { script.state($0) == "ready" })
        // A user's own settings are a wish of their own; the former ones are not known.
        script.moduser(Self.names[2]) { $0.env["OWN"] = "1" }
        #expect(Self.colors(script, [Self.names[2]]) == ["blue"])
        script.send(.notified(script.lastStarted(Self.names[2]), .ready))
        script.clear()
        Self.reload(&script, yes: true)
        for name in Self.names { Self.proveNew(&script, name) }
        #expect(Set(script.started.map(\.user)) == Set(Self.names).subtracting([Self.names[0], Self.names[2]]))
        #expect(Self.isOver(script))
    }
}
