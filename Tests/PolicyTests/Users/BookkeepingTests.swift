// Places, counts, flags and deadlines that are put back, and what is kept: an example of each rule of the simulation
// that few seeds come across.

import Shared
import Testing

@testable import Policy

@Suite struct BookkeepingTests {
    // MARK: what is kept

    @Test func aProcessIsWrittenDownBeforeItIsMade() {
        var script = Script()
        script.clear()
        script.adduser(alice)
        #expect(script.saves.first?.record?.name == alice)
        #expect(script.saved[alice]?.processes.map(\.generation) == [2])
        let id = script.lastStarted(alice)
        #expect(script.saved[alice]?.processes.first?.pid ?? 0 > 0)
        script.send(.notified(id, .ready))
        #expect(script.saved[alice]?.processes.map(\.stage) == [.ready])
    }

    @Test func whoIsGoneIsErased() {
        var script = Script()
        let id = script.ready(alice)
        script.deluser(alice)
        #expect(!script.saves.contains(.erase(alice)))
        script.send(.exited(id, .code(0)))
        #expect(script.saves.last == .erase(alice))
        #expect(script.saved[alice] == nil)
    }

    @Test func theOperatorsRestartForgetsAFailedPlanForTheNextMasterToo() {
        var script = Script { $0.worker.restart.first = .seconds(1) }
        _ = script.ready(alice)
        script.moduser(alice) { $0.env = ["COLOUR": "wrong"] }
        script.send(.exited(script.lastStarted(alice), .code(1)))
        #expect(script.saved[alice]?.failedPlan != nil)
        script.makesProcesses = false
        script.send(.restart(alice))
        #expect(script.saved[alice]?.failedPlan == nil)
    }

    @Test func aPlanThatHasComeToWorkIsNoFailedOne() {
        var script = Script()
        let old = script.ready(alice)
        script.send(.restart(alice))
        script.send(.exited(script.lastStarted(alice), .code(1)))
        #expect(script.saved[alice]?.failedPlan != nil)
        script.send(.exited(old, .signal(11)))
        script.send(.notified(script.lastStarted(alice), .ready))
        #expect(script.state(alice) == "ready")
        #expect(script.saved[alice]?.failedPlan == nil)
    }

    @Test func anotherDatabaseIsSavedThoughNothingElseChanges() {
        var script = Script { $0.databases = [DatabaseSettings("a"), DatabaseSettings("b")] }
        script.adduser(alice) { $0.enabled = false }
        #expect(script.saved[alice]?.database == "a")
        var next = script.supervisor.configuration
        next.databases = [DatabaseSettings("b")]
        script.send(.configure(next, isConfirmed: true))
        #expect(script.saved[alice]?.database == "b")
    }

    @Test func thePauseOfAnUpgradeIsKept() {
        var script = UpgradeTests.script()
        script.current("2.0")
        script.clear()
        script.send(.upgrade(.pause))
        #expect(script.effects == [.keepUpgrade(script.kept)])
        #expect(script.kept.rollout?.isPaused == true)
        script.send(.upgrade(.resume))
        #expect(script.kept.rollout?.isPaused == false)
    }

    @Test func aFailureThatStopsNothingIsKept() {
        var script = UpgradeTests.script { $0.upgrade.maxFailures = 2 }
        script.current("2.0")
        script.send(.exited(script.lastStarted(alice), .code(1)))
        #expect(script.kept.rollout?.failures == [alice: "exit 1"])
        #expect(script.kept.rollout?.turnedBack == nil)
    }

    @Test func theJudgementOfADoubtfulFailureIsKept() {
        var script = UpgradeTests.script {
            $0.databases = [DatabaseSettings("a")]
            $0.upgrade.maxFailures = 2
        }
        script.database("a", .available)
        for id in script.started { script.send(.notified(id, .ready)) }
        // Long after that turn of the database.
        script.wait(.seconds(60))
        script.current("2.0")
        script.send(.exited(script.lastStarted(alice), .code(1)))
        #expect(script.kept.rollout?.failures.isEmpty == true)
        script.wait(.seconds(10))
        #expect(script.kept.rollout?.failures == [alice: "exit 1"])
    }

    @Test func aFailureIsToldOfUntilTheNextTurn() {
        var script = UpgradeTests.script()
        script.current("2.0")
        script.send(.exited(script.lastStarted(alice), .code(1)))
        #expect(script.status(alice).reason == "2.0 failed: exit 1")
        script.send(.upgrade(.start("2.0")))
        UpgradeTests.prove(&script, alice)
        #expect(script.status(alice).package == "2.0")
        #expect(script.status(alice).reason == nil)
    }

    @Test func thatNobodyHoldsAVersionAnyMoreIsKept() {
        var script = UpgradeTests.script()
        script.current("2.0")
        let new = script.lastStarted(alice)
        script.send(.exited(new, .code(1)))
        #expect(script.kept.held.keys.sorted() == ["2.0"])
        script.current("1.0")
        script.say(.pathwatch, .path(.packageGone(TextLine("2.0"))))
        #expect(script.supervisor.upgrade.held.isEmpty && script.kept.held.isEmpty)
    }

    @Test func aVersionIsForgottenWithAUserWhomThisMasterNeverSaw() {
        var script = Script(
            { $0.packages = "/srv/packages" },
            versions: [alice: KeptVersion(version: "1.0"), bob: KeptVersion(version: "1.0")])
        script.publish("1.0")
        script.current("1.0")
        script.adduser(bob)
        script.clear()
        script.say(.pathwatch, .path(.complete))
        script.wait(.seconds(1))
        #expect(script.effects.contains(.keepVersions([bob: KeptVersion(version: "1.0")])))
    }

    @Test func soItIsWithOneWhoseProcessesAreLeft() {
        var record = UserRecord()
        record.name = alice
        var script = Script(
            { $0.packages = "/srv/packages" }, remains: [alice: Remains(record: record)],
            versions: [alice: KeptVersion(version: "1.0")])
        script.say(.pathwatch, .path(.complete))
        script.wait(DeletionFuse.longest)
        #expect(script.effects.contains(.keepVersions([:])))
    }

    @Test func theHoldOfWhoWasDeletedWhileNoMasterRanIsDropped() {
        var record = UserRecord()
        record.name = alice
        var script = Script(holds: [alice: "unpaid"], remains: [alice: Remains(record: record)])
        script.say(.pathwatch, .path(.complete))
        script.wait(DeletionFuse.longest)
        #expect(script.effects.contains(.keepHold(alice, nil)))
    }

    @Test func heldDeletionsAreNotRewrittenInTheOrderedEnd() {
        var script = Script()
        let ids = [script.ready(alice), script.ready(bob)]
        for name in [alice, bob] { script.say(.pathwatch, .path(.deluser(name))) }
        script.wait(DeletionFuse.longest)
        #expect(script.supervisor.keptDeletions.held.count == 2)
        script.adduser(alice)
        script.clear()
        script.send(.stop)
        for id in ids { script.send(.exited(id, .code(0))) }
        script.wait(.seconds(1))
        #expect(!script.effects.contains { if case .keepDeletions = $0 { true } else { false } })
    }

    @Test func theReturnOfTheUsersFolderIsKept() {
        var script = Script()
        let folder = FolderIdentity(device: 1, inode: 1)
        script.say(.pathwatch, .path(.folder(FolderReport(folder, isSearched: false))))
        for name in [alice, bob] { _ = script.ready(name) }
        script.say(.pathwatch, .path(.complete))
        script.clear()
        script.say(.pathwatch, .path(.folder(FolderReport(folder, isSearched: true))))
        let kept = script.supervisor.keptDeletions
        #expect(script.effects == [.keepDeletions(kept)], "a folder that was not known")
        script.say(.pathwatch, .path(.folder(FolderReport(trouble: "it is gone"))))
        script.wait(DeletionFuse.longest)
        #expect(script.supervisor.keptDeletions.held.count == 2)
        script.clear()
        script.say(.pathwatch, .path(.folder(FolderReport(folder, isSearched: false))))
        #expect(script.supervisor.keptDeletions.held.isEmpty)
        script.wait(.milliseconds(100))
        #expect(script.effects.contains { if case .keepDeletions = $0 { true } else { false } })
    }

    // MARK: places

    /// Workers that leave before they are ready give their place to the next one, at once.
    @Test(arguments: [0, 1, 2]) func aPlaceIsGivenBackAtAStop(how: Int) {
        var script = Script {
            $0.worker.startConcurrency = 1
            $0.databases = [DatabaseSettings("a"), DatabaseSettings("b")]
        }
        for name in ["a", "b"] { script.database(name, .available) }
        script.adduser(alice) { $0.database = "a" }
        script.adduser(bob) { $0.database = "b" }
        #expect(script.started.map(\.user) == [alice])
        switch how {
        case 0: script.send(.hold(alice, reason: "unpaid"))
        case 1: script.deluser(alice)
        default: script.database("a", .unavailable)
        }
        #expect(script.started.map(\.user) == [alice, bob])
    }

    @Test func aReplacementsPlaceIsGivenBackByWhoIsDeleted() {
        var script = Script { $0.worker.startConcurrency = 1 }
        let sick = script.ready(alice)
        _ = script.ready(bob)
        script.adduser(UserName("carol") ?? UserName())
        script.verdict(sick, .failing, .wrongStatus, status: 500)
        #expect(script.supervisor.replacing == [alice])
        script.deluser(alice)
        script.send(.exited(sick, .code(0)))
        #expect(script.supervisor.replacing.isEmpty)
    }

    @Test func whoIsGoneWaitsForNoMoveAndNoReturn() {
        var script = Script {
            $0.worker.startConcurrency = 1
            $0.databases = ["a", "b"].map { DatabaseSettings($0, in: "main") }
        }
        script.database("a", .available, maxConnections: 1)
        var ids: [WorkerID] = []
        for name in [alice, bob] { ids.append(script.ready(name) { $0.database = "a" }) }
        script.database("a", .unavailable)
        script.database("a", .available, maxConnections: 1)
        #expect(script.supervisor.admission.awaitsReturn(bob))
        script.deluser(bob)
        #expect(!script.supervisor.admission.awaitsReturn(bob))
        script.send(.exited(ids[1], .code(0)))
        script.verdict(ids[0], .passing, .passed)
        let carol = script.ready(UserName("carol") ?? UserName()) { $0.database = "a" }
        script.database("b", .available)
        script.send(.drain("a"))
        #expect(script.supervisor.moves.waits(carol.user))
        script.deluser(carol.user)
        script.send(.exited(carol, .code(0)))
        #expect(script.supervisor.users[carol.user] == nil)
        #expect(!script.supervisor.moves.contains(carol.user))
    }

    @Test func whoIsStoppedWaitsForNoSwap() {
        var script = Script { $0.worker.startConcurrency = 1 }
        let old = script.ready(alice)
        script.adduser(bob)
        script.send(.restart(alice))
        #expect(script.supervisor.admission.contains(alice))
        var next = script.supervisor.configuration
        next.worker.swap = .stopFirst
        script.send(.configure(next, isConfirmed: true))
        #expect(!script.supervisor.admission.contains(alice))
        #expect(script.workers(of: alice) == [old])
    }

    @Test func oneFailedCheckEndsTheTimeForWhichTheyPass() {
        var script = Script()
        let id = script.ready(alice)
        script.verdict(id, .passing, .passed)
        #expect(script.supervisor.users[alice]?.passingSince != nil)
        script.verdict(id, .doubtful, .timeout)
        #expect(script.supervisor.users[alice]?.passingSince == nil)
    }

    // MARK: deadlines

    @Test func patienceBeginsAnewWithEachDeath() {
        var script = Script()
        script.adduser(alice)
        let socket = script.socket(of: script.lastStarted(alice)) ?? SocketID()
        script.wait(.milliseconds(1500))
        script.send(.notified(script.lastStarted(alice), .ready))
        script.send(.exited(script.lastStarted(alice), .code(1)))
        script.wait(.milliseconds(1999))
        #expect(!script.effects.contains(.answer(socket, .starting)))
        script.wait(.milliseconds(1))
        #expect(script.effects.contains(.answer(socket, .starting)))
    }

    @Test func whoIsServedWhileADatabaseIsUnknownNeedsNoPatience() {
        var script = Script { $0.databases = [DatabaseSettings("a")] }
        script.database("a", .available)
        let id = script.ready(alice)
        let socket = script.socket(of: id) ?? SocketID()
        script.database("a", .unknown)
        var next = script.supervisor.configuration
        next.databaseCheck.timeout = .seconds(3)
        next.databases[0].conninfo += " connect_timeout=3"
        script.send(.configure(next, isConfirmed: true))
        script.clear()
        script.wait(.milliseconds(1500))
        script.send(.exited(id, .signal(11)))
        script.wait(.milliseconds(1900))
        #expect(!script.effects.contains(.answer(socket, .starting)))
    }

    @Test(arguments: [false, true]) func anotherDatabaseIsWaitedForButNotForEver(hasWord: Bool) {
        var script = Script { $0.databases = [DatabaseSettings("a")] }
        script.database("a", .available)
        script.wait(.seconds(60))
        var next = script.supervisor.configuration
        next.databases[0].conninfo = "host=127.0.0.2"
        script.send(.configure(next, isConfirmed: true))
        script.adduser(alice)
        #expect(script.started.isEmpty)
        if hasWord { script.database("a", .available) } else { script.wait(next.databaseCheck.timeout + .seconds(1)) }
        #expect(script.started.map(\.user) == [alice])
    }

    // MARK: orders

    @Test func whatDispatchChecksFollowsTheUser() {
        var script = Script()
        let old = script.ready(alice)
        #expect(Self.checked(script) == [old])
        script.send(.restart(alice))
        let new = script.lastStarted(alice)
        #expect(Self.checked(script) == [old, new])
        script.send(.notified(new, .ready))
        #expect(Self.checked(script) == [new])
        script.moduser(alice) { $0.check.path = "/ping" }
        #expect(Self.checked(script) == [new])
        #expect(Self.paths(script).last == "/ping")
        script.send(.hold(alice, reason: "unpaid"))
        #expect(Self.checked(script).isEmpty)
    }

    @Test func whoComesToBeCheckedWhileItIsHeldNeedsDispatch() {
        var script = Script { $0.worker.check.path = "" }
        script.adduser(alice)
        script.send(.hold(alice, reason: "unpaid"))
        script.clear()
        script.moduser(alice) { $0.check.path = "/ping" }
        #expect(script.effects.contains(.startWatcher(.dispatch, generation: 1)))
    }

    @Test(arguments: [0, 1, 2]) func aVersionThatIsCheckedNeedsDispatch(how: Int) {
        var script = Script {
            $0.worker.check.path = ""
            $0.packages = "/srv/packages"
        }
        script.publish("1.0")
        script.current("1.0")
        let id = script.ready(alice) { $0.plan = .paid }
        script.say(.pathwatch, .path(.complete))
        script.clear()
        script.publish("2.0") { $0.check.path = "/ping" }
        switch how {
        case 0:
            script.moduser(alice) {
                $0.plan = .paid
                $0.package = "2.0"
            }
        case 1: script.current("2.0")
        default:
            // It falls back to what is in force.
            script.say(.pathwatch, .path(.packageGone(TextLine("1.0"))))
            script.say(.pathwatch, .path(.currentPackage(CurrentPackage(version: "2.0"))))
            script.send(.exited(id, .code(1)))
        }
        #expect(script.effects.contains(.startWatcher(.dispatch, generation: 1)))
    }

    @Test func theDeadlinesOfADatabaseGoWithIt() {
        var script = Script { $0.databases = ["a", "b"].map { DatabaseSettings($0, in: "main") } }
        for name in ["a", "b"] { script.database(name, .available) }
        script.database("a", .unavailable)
        #expect(script.supervisor.databases.deadline != nil)
        var next = script.supervisor.configuration
        next.databases[0].conninfo = "host=127.0.0.2"
        script.send(.configure(next, isConfirmed: true))
        #expect(script.supervisor.databases["a"]?.deadline == nil)
    }

    /// Workers that dispatch has been told to check, and not to forget.
    private static func checked(_ script: Script) -> Set<WorkerID> {
        var checked: Set<WorkerID> = []
        for effect in script.effects {
            if case .check(let order) = effect { checked.insert(order.worker) }
            if case .forget(let worker) = effect { checked.remove(worker) }
        }
        return checked
    }

    private static func paths(_ script: Script) -> [String] {
        script.effects.compactMap { if case .check(let order) = $0 { order.settings.path } else { nil } }
    }
}
