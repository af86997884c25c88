// A version does not work: it is held, and changed users go back. Or a database is away, which is no failure.

import Shared
import Testing

@testable import Policy

extension UpgradeTests {
    static func warnings(_ script: Script) -> [String] {
        script.happenings.filter { $0.weight == .warning }.map(\.text)
    }

    private static let failures: [(String, @Sendable (inout Script, WorkerID) -> Void)] = [
        ("exit 1", { script, new in script.send(.exited(new, .code(1))) }),
        ("not ready within 1m", { script, _ in script.wait(.seconds(61)) }),
        (
            "signal 11",
            { script, new in
                script.send(.notified(new, .ready))
                script.wait(.seconds(5))
                script.send(.exited(new, .signal(11)))
            }
        ),
        (
            "its checks fail: status 500",
            { script, new in
                script.send(.notified(new, .ready))
                script.verdict(new, .failing, .wrongStatus, status: 500)
            }
        ),
        (
            "no check passed after its soak",
            { script, new in
                script.send(.notified(new, .ready))
                script.wait(.seconds(70))
            }
        ),
    ]

    @Test(arguments: failures.indices) func aVersionThatFailsStopsAtTheCanaryAndIsHeld(index: Int) {
        let (why, fail) = Self.failures[index]
        var script = Self.script()
        script.current("2.0")
        let new = script.lastStarted(alice)
        fail(&script, new)
        #expect(script.started.map(\.user) == [alice])
        #expect(!script.effects.contains(.link(SocketID(of: new))))
        script.send(.exited(new, .signal(15)))
        #expect(Self.versions(script) == ["1.0", "1.0", "1.0", "1.0"])
        #expect(script.state(alice) == "ready")
        #expect(script.status(alice).reason == "2.0 failed: \(why)")
        #expect(script.supervisor.upgrade.rollout == nil)
        #expect(script.supervisor.upgrade.held == ["2.0": "alice: \(why)"])
        #expect(Self.warnings(script).count { $0.hasPrefix("upgrade to 2.0 stopped") } == 1)
        script.wait(.seconds(300))
        #expect(script.started.count == 1)
        // A detour does not make it better; the operator may know better.
        script.current("1.0")
        script.current("2.0")
        #expect(script.started.count == 1)
        script.send(.upgrade(.start("2.0")))
        #expect(script.started.count == 2)
        #expect(script.supervisor.upgrade.held.isEmpty)
    }

    @Test func whoWasChangedGoesBack() {
        var script = Self.script()
        script.current("2.0")
        Self.prove(&script, alice)
        script.send(.exited(script.lastStarted(bob), .code(1)))
        #expect(script.started.map(\.user) == [alice, bob, alice])
        let back = script.lastStarted(alice)
        #expect(script.plan(of: back).version == "1.0")
        // What has worked before has nothing to prove.
        script.send(.notified(back, .ready))
        #expect(script.effects.contains(.link(SocketID(of: back))))
        #expect(Self.versions(script) == ["1.0", "1.0", "1.0", "1.0"])
        #expect(script.supervisor.upgrade.rollout == nil)
        #expect(script.supervisor.upgrade.inForce == "1.0")
    }

    @Test func withinTheBudgetItGoesOnWithTheOthers() {
        var script = Self.script { $0.upgrade.maxFailures = 2 }
        script.current("2.0")
        script.send(.exited(script.lastStarted(alice), .code(1)))
        Self.prove(&script, bob)
        #expect(Self.versions(script) == ["1.0", "2.0", "1.0", "1.0"])
        #expect(script.supervisor.upgrade.inForce == "2.0")
        #expect(script.status(alice).reason == "2.0 failed: exit 1")
        #expect(script.started.map(\.user) == [alice, bob])
    }

    @Test func oneThatDiesAgainAndAgainAfterItsSoakCounts() {
        var script = Self.script()
        script.current("2.0")
        Self.prove(&script, alice)
        for _ in 1...5 {
            let last = script.lastStarted(alice)
            script.send(.notified(last, .ready))
            script.send(.exited(last, .signal(11)))
            script.wait(.seconds(5))
        }
        script.wait(.seconds(90))
        #expect(script.supervisor.upgrade.held["2.0"]?.contains("crash loop") == true)
        #expect(script.plan(of: script.lastStarted(alice)).version == "1.0")
    }

    @Test func oneThatHasToServeAtOnceHasToProveItselfNevertheless() {
        var script = Self.script()
        let old = script.workers(of: alice).first ?? WorkerID()
        script.current("2.0")
        let new = script.lastStarted(alice)
        script.send(.notified(new, .ready))
        script.send(.exited(old, .signal(9)))
        #expect(script.effects.contains(.link(SocketID(of: new))))
        #expect(script.state(alice) == "ready")
        #expect(script.started.map(\.user) == [alice])
        script.wait(.seconds(2))
        script.send(.exited(new, .code(1)))
        #expect(script.plan(of: script.lastStarted(alice)).version == "1.0")
        #expect(script.supervisor.upgrade.held["2.0"] != nil)
    }

    @Test func stopFirstGoesBackToWhatHasWorked() {
        var script = Self.script { $0.worker.swap = .stopFirst }
        let old = script.workers(of: alice).first ?? WorkerID()
        script.current("2.0")
        script.wait(.seconds(5))
        script.send(.exited(old, .code(0)))
        let new = script.lastStarted(alice)
        #expect(script.plan(of: new).version == "2.0")
        script.send(.exited(new, .code(1)))
        let back = script.lastStarted(alice)
        #expect(script.plan(of: back).version == "1.0")
        script.send(.notified(back, .ready))
        #expect(script.supervisor.upgrade.rollout == nil)
        #expect(script.supervisor.upgrade.held["2.0"] == "alice: exit 1")
    }

    @Test func stopFirstIsProvedWhileItServes() {
        var script = Self.script { $0.worker.swap = .stopFirst }
        for name in [alice, bob] {
            let old = script.workers(of: name).first ?? WorkerID()
            if name == alice { script.current("2.0") }
            script.wait(.seconds(5))
            script.send(.exited(old, .code(0)))
            Self.prove(&script, name)
        }
        #expect(script.supervisor.upgrade.inForce == "2.0")
    }

    // MARK: databases

    private static func withDatabase() -> Script {
        var script = Script {
            $0.packages = "/srv/packages"
            $0.databases = [DatabaseSettings("main")]
        }
        for version in ["1.0", "2.0"] { script.publish(version) }
        script.current("1.0")
        script.database("main", .available)
        for name in [alice, bob] { _ = script.ready(name) { $0.plan = .paid } }
        script.say(.pathwatch, .path(.complete))
        script.wait(.seconds(60))
        script.clear()
        return script
    }

    @Test func anOutagePausesItAndCountsForNothing() {
        var script = Self.withDatabase()
        script.current("2.0")
        let first = script.lastStarted(alice)
        script.send(.exited(first, .code(1)))
        #expect(script.supervisor.upgrade.held.isEmpty)
        script.database("main", .unavailable, "refused")
        script.wait(.seconds(10))
        #expect(script.supervisor.upgrade.held.isEmpty)
        #expect(script.started.map(\.user) == [alice])
        #expect(script.supervisor.upgradeStatus(WallClock(wall: 0, now: script.now))?.state == "waiting")
        script.database("main", .available)
        for name in [alice, bob] {
            let old = script.workers(of: name).first ?? WorkerID()
            script.verdict(old, .passing, .passed)
        }
        script.wait(.seconds(1))
        #expect(script.started.map(\.user) == [alice, alice])
        Self.prove(&script, alice)
        Self.prove(&script, bob)
        #expect(script.supervisor.upgrade.inForce == "2.0")
    }

    @Test func aFailureWithAHealthyDatabaseCountsAfterALook() {
        var script = Self.withDatabase()
        script.current("2.0")
        script.send(.exited(script.lastStarted(alice), .code(1)))
        #expect(script.supervisor.upgrade.held.isEmpty)
        script.wait(.seconds(5))
        #expect(script.supervisor.upgrade.held == ["2.0": "alice: exit 1"])
        #expect(script.started.map(\.user) == [alice])
    }

    // MARK: what goes wrong around it

    @Test func aVersionThatGoesInTheMiddleTakesNobodyWithIt() {
        var script = Self.script()
        script.current("2.0")
        Self.prove(&script, alice)
        script.say(.pathwatch, .path(.packageGone(TextLine("2.0"))))
        #expect(Self.warnings(script).last == "upgrade to 2.0 stopped and held, 1 go back: 2.0 is gone")
        script.send(.exited(script.lastStarted(bob), .code(0)))
        script.send(.notified(script.lastStarted(alice), .ready))
        #expect(Self.versions(script) == ["1.0", "1.0", "1.0", "1.0"])
        #expect(script.supervisor.upgrade.inForce == "1.0")
        for worker in script.workers(of: alice).dropLast() { script.send(.exited(worker, .code(0))) }
        script.clear()
        // What comes under its name is another one, and current names it all the time.
        script.publish("2.0")
        #expect(script.started.map { script.plan(of: $0).version } == ["2.0"])
        #expect(script.supervisor.upgrade.held.isEmpty)
    }

    @Test func moreCanariesThanMayBeOnTheWayWait() {
        var script = Self.script {
            $0.upgrade.canary = 2
            $0.upgrade.parallel = 1
        }
        script.current("2.0")
        #expect(script.started.map(\.user) == [alice])
    }

    @Test func aCrashLoopOfTheOldOneIsNoFault() {
        var script = Self.script { $0.worker.startConcurrency = 1 }
        script.adduser(UserName("zoe") ?? UserName())
        script.clear()
        script.current("2.0")
        #expect(script.started.isEmpty)
        for _ in 1...6 {
            for worker in script.workers(of: alice) { script.send(.exited(worker, .signal(11))) }
            script.wait(.milliseconds(100))
        }
        #expect(script.supervisor.upgrade.held.isEmpty)
        #expect(script.supervisor.upgrade.rollout?.changed == 0)
    }

    @Test func whoIsPinnedAfterItsTurnDoesNotGoBack() {
        var script = Self.script()
        script.current("2.0")
        Self.prove(&script, alice)
        script.moduser(alice) {
            $0.plan = .paid
            $0.package = "2.0"
        }
        script.send(.exited(script.lastStarted(bob), .code(1)))
        #expect(script.supervisor.upgrade.held["2.0"] != nil)
        #expect(script.started.map(\.user) == [alice, bob])
        #expect(script.status(alice).package == "2.0")
    }

    @Test func whoCannotGoBackKeepsNobodyWaiting() {
        var script = Self.script { $0.upgrade.parallel = 1 }
        script.current("2.0")
        Self.prove(&script, alice)
        Self.prove(&script, bob)
        #expect(script.supervisor.upgrade.inForce == "2.0")
        script.current("3.0")
        Self.prove(&script, alice)
        script.send(.upgrade(.abort))
        for worker in script.workers(of: alice) { script.send(.exited(worker, .code(1))) }
        for _ in 1...5 {
            script.send(.exited(script.lastStarted(alice), .code(1)))
            script.wait(.seconds(3))
        }
        #expect(script.supervisor.upgrade.rollout == nil)
        #expect(script.status(alice).state == "crash-looping")
    }
}
