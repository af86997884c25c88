// A version reaches its users.

import Shared
import Testing

@testable import Policy

@Suite struct UpgradeTests {
    private static let carol = UserName("carol") ?? UserName()
    static let dave = UserName("dave") ?? UserName()

    /// alice and bob pay and follow, carol is free, dave is pinned; all run 1.0.
    static func script(
        upgrade: Upgrade = Upgrade(), _ change: (inout Configuration) -> Void = { _ in }
    ) -> Script {
        var script = Script(
            {
                $0.packages = "/srv/packages"
                change(&$0)
            }, upgrade: upgrade)
        for version in ["1.0", "2.0", "3.0"] { script.publish(version) }
        script.current("1.0")
        for name in [alice, bob] { _ = script.ready(name) { $0.plan = .paid } }
        _ = script.ready(Self.carol)
        _ = script.ready(Self.dave) {
            $0.plan = .paid
            $0.package = "1.0"
        }
        script.say(.pathwatch, .path(.complete))
        script.clear()
        return script
    }

    /// The new process of a user between two versions has proved itself.
    static func prove(_ script: inout Script, _ name: UserName) {
        let new = script.lastStarted(name)
        script.send(.notified(new, .ready))
        script.wait(.seconds(6))
        script.verdict(new, .passing, .passed)
    }

    static func versions(_ script: Script) -> [String?] {
        [alice, bob, Self.carol, Self.dave].map { script.status($0).package }
    }

    // MARK: a version that works

    @Test func payingUsersGetItOneCanaryFirst() {
        var script = Self.script()
        script.current("2.0")
        #expect(script.started.map(\.user) == [alice])
        #expect(script.plan(of: script.lastStarted(alice)).version == "2.0")
        Self.prove(&script, alice)
        #expect(script.started.map(\.user) == [alice, bob])
        Self.prove(&script, bob)
        #expect(Self.versions(script) == ["2.0", "2.0", "1.0", "1.0"])
        #expect(script.supervisor.upgrade.rollout == nil)
        #expect(script.supervisor.upgrade.inForce == "2.0")
        #expect(script.happenings.last { $0.rule == "upgrade" }?.text == "2.0 is in force: 2 users changed")
        #expect(script.supervisor.users.values.allSatisfy { $0.formerVersion == nil })
    }

    @Test func customersComeAfterReadinessSoakAndAPassedCheck() {
        var script = Self.script()
        script.current("2.0")
        let new = script.lastStarted(alice)
        script.send(.notified(new, .ready))
        script.verdict(new, .passing, .passed)
        #expect(!script.effects.contains(.link(SocketID(of: new))))
        script.wait(.seconds(5))
        script.verdict(new, .passing, .passed)
        #expect(!script.effects.contains(.link(SocketID(of: new))))
        #expect(!script.effects.contains(.suspect(new)))
        script.wait(.seconds(1))
        #expect(script.effects.contains(.suspect(new)))
        #expect(!script.effects.contains(.link(SocketID(of: new))))
        script.verdict(new, .passing, .passed)
        #expect(script.effects.contains(.link(SocketID(of: new))))
        #expect(script.state(alice) == "ready")
    }

    @Test func whereNothingIsCheckedTheSoakIsEnough() {
        var script = Self.script { $0.worker.check.path = "" }
        script.current("2.0")
        let new = script.lastStarted(alice)
        script.send(.notified(new, .ready))
        #expect(!script.effects.contains(.link(SocketID(of: new))))
        script.wait(.seconds(6))
        #expect(script.effects.contains(.link(SocketID(of: new))))
    }

    @Test func freeUsersFollowAfterThePayingOnesWhereTheyAreTo() {
        var script = Self.script { $0.upgrade.free = .follow }
        script.current("2.0")
        for name in [alice, bob, Self.carol] { Self.prove(&script, name) }
        #expect(script.started.map(\.user) == [alice, bob, Self.carol])
        #expect(Self.versions(script) == ["2.0", "2.0", "2.0", "1.0"])
    }

    @Test func newUsersGetWhatIsProvedUntilTheOtherIs() {
        var script = Self.script()
        script.current("2.0")
        let name = UserName("erin") ?? UserName()
        let worker = script.ready(name)
        #expect(script.plan(of: worker).version == "1.0")
        Self.prove(&script, alice)
        Self.prove(&script, bob)
        let later = script.ready(UserName("frank") ?? UserName())
        #expect(script.plan(of: later).version == "2.0")
    }

    @Test func theLastOfTwoVersionsWinsAndNobodyIsSwappedTwice() {
        var script = Self.script()
        script.current("2.0")
        let overtaken = script.lastStarted(alice)
        script.current("3.0")
        #expect(script.effects.contains(.signal(overtaken, Signal.terminate, leaderOnly: true)))
        #expect(script.plan(of: script.lastStarted(alice)).version == "3.0")
        Self.prove(&script, alice)
        Self.prove(&script, bob)
        #expect(Self.versions(script) == ["3.0", "3.0", "1.0", "1.0"])
        #expect(script.started.map(\.user) == [alice, alice, bob])
        #expect(script.supervisor.upgrade.inForce == "3.0")
    }

    @Test func whoIsUnpinnedGetsWhatIsInForce() {
        var script = Self.script()
        script.current("2.0")
        Self.prove(&script, alice)
        Self.prove(&script, bob)
        script.moduser(Self.dave) { $0.plan = .paid }
        #expect(script.plan(of: script.lastStarted(Self.dave)).version == "2.0")
    }

    // MARK: users meanwhile, and the operator

    @Test func pauseResumeAbort() {
        var script = Self.script()
        script.send(.upgrade(.pause))
        script.current("2.0")
        script.send(.upgrade(.pause))
        Self.prove(&script, alice)
        #expect(script.started.map(\.user) == [alice])
        #expect(script.supervisor.upgradeStatus(WallClock(wall: 0, now: script.now))?.state == "paused")
        script.send(.upgrade(.resume))
        #expect(script.started.map(\.user) == [alice, bob])
        let abandoned = script.lastStarted(bob)
        script.send(.upgrade(.abort))
        #expect(script.effects.contains(.signal(abandoned, Signal.terminate, leaderOnly: true)))
        script.send(.exited(abandoned, .code(0)))
        script.send(.notified(script.lastStarted(alice), .ready))
        #expect(Self.versions(script) == ["1.0", "1.0", "1.0", "1.0"])
        #expect(script.supervisor.upgrade.held == ["2.0": "aborted by the operator"])
        #expect(script.supervisor.upgrade.rollout == nil)
    }

    @Test func whoIsHeldOrDeletedDoesNotKeepTheOthersWaiting() {
        var script = Self.script()
        script.send(.hold(bob, reason: "unpaid"))
        script.current("2.0")
        script.deluser(alice)
        for worker in script.workers(of: alice) { script.send(.exited(worker, .code(0))) }
        #expect(script.supervisor.upgrade.inForce == "2.0")
        #expect(script.supervisor.users[bob]?.version == "2.0")
        script.clear()
        for worker in script.workers(of: bob) { script.send(.exited(worker, .code(0))) }
        script.send(.release(bob))
        #expect(script.plan(of: script.lastStarted(bob)).version == "2.0")
    }

    @Test func whoIsHeldOnTheWayStartsWithTheOldOneUntilTheEnd() {
        var script = Self.script()
        script.current("2.0")
        script.send(.hold(alice, reason: "unpaid"))
        #expect(script.supervisor.users[alice]?.version == "1.0")
        #expect(script.lastStarted(bob) != WorkerID())
        Self.prove(&script, bob)
        #expect(script.supervisor.users[alice]?.version == "2.0")
        #expect(script.supervisor.upgrade.inForce == "2.0")
    }

    @Test func aCrashOfOneWhoseTurnHasNotComeStartsTheOldOne() {
        var script = Self.script()
        let old = script.workers(of: bob).first ?? WorkerID()
        script.current("2.0")
        script.send(.exited(old, .signal(11)))
        let next = script.lastStarted(bob)
        #expect(script.plan(of: next).version == "1.0")
        Self.prove(&script, alice)
        script.send(.notified(next, .ready))
        #expect(script.plan(of: script.lastStarted(bob)).version == "2.0")
    }

    @Test func thePlanNamesWhoIsChangedAndWhoIsNot() {
        let script = Self.script()
        let answers = script.supervisor.upgradePreview("2.0")
        #expect(answers.first == .upgradePreview(UpgradePreview(version: "2.0")))
        let users = answers.compactMap { if case .userPreview(let user) = $0 { user } else { nil } }
        #expect(users.map(\.name) == [alice, bob, Self.carol, Self.dave])
        #expect(users.map(\.version) == ["1.0", "1.0", "1.0", "1.0"])
        #expect(users.map(\.isCanary) == [true, false, false, false])
        #expect(users.map(\.stay) == [nil, nil, .free, .pinned])
        #expect(
            script.supervisor.upgradePreview("1.0").contains { answer in
                if case .userPreview(let user) = answer { user.stay == .hasVersion } else { false }
            })
        #expect(script.supervisor.objection(to: UpgradeRequest(.preview, version: "9")) == "9 is not there")
        #expect(script.supervisor.objection(to: UpgradeRequest(.pause)) == "no upgrade is on its way")
    }

    // MARK: the next master

    @Test func manyFailuresFitTheFile() throws {
        var upgrade = Upgrade()
        var rollout = Rollout(to: .package("2.0"), at: Instant(nanoseconds: 0))
        for number in 0..<5000 {
            let name = UserName("user-\(number)") ?? UserName()
            rollout.failed(name, String(repeating: "x", count: 500))
        }
        upgrade.rollout = rollout
        let clock = WallClock(wall: 0, now: Instant(nanoseconds: 0))
        let read = try UpgradeFile.upgrade(UpgradeFile.bytes(KeptUpgrade(upgrade), clock), clock)
        #expect(read.rollout?.failures.isEmpty == false)
    }

    @Test func whatIsKeptIsReadAgain() throws {
        var upgrade = Upgrade(inForce: "1.0", seen: "2.0", held: ["1.5": "why"])
        var rollout = Rollout(to: .package("2.0"), at: Instant(nanoseconds: 5_000_000))
        rollout.append(alice, .paid)
        rollout.begun(alice)
        rollout.failed(alice, "exit 1")
        rollout.turnBack("alice: exit 1")
        _ = rollout.pause(true)
        upgrade.rollout = rollout
        let clock = WallClock(wall: 1_000_000, now: Instant(nanoseconds: 9_000_000))
        let read = try UpgradeFile.upgrade(UpgradeFile.bytes(KeptUpgrade(upgrade), clock), clock)
        #expect(read.inForce == "1.0" && read.seen == "2.0" && read.held == ["1.5": "why"])
        #expect(read.rollout?.target == .package("2.0") && read.rollout?.stage == .rollingBack("alice: exit 1"))
        #expect(read.rollout?.failures == [alice: "exit 1"] && read.rollout?.isPaused == true)
        #expect(read.rollout?.startedAt == rollout.startedAt)
        #expect(throws: WireError.self) { try UpgradeFile.upgrade([0, 0, 0, 1, 9], clock) }
    }
}
