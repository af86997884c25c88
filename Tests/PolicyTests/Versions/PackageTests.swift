// Which version a user runs, and when that changes.

import Shared
import Testing

@testable import Policy

@Suite struct PackageTests {
    private static func script(
        _ free: FreeUpgrade = .stay, remains: [UserName: Remains] = [:], versions: [UserName: KeptVersion] = [:]
    ) -> Script {
        var script = Script(
            {
                $0.packages = "/srv/packages"
                $0.upgrade.free = free
            }, remains: remains, versions: versions)
        script.publish("1.0")
        script.publish("1.1")
        script.current("1.0")
        script.say(.pathwatch, .path(.complete))
        script.clear()
        return script
    }

    private static func version(_ script: Script, _ name: UserName = alice) -> String? {
        script.supervisor.users[name]?.version
    }

    // MARK: how a version is run

    @Test func aNewUserRunsTheVersionInForce() {
        var script = Self.script()
        let worker = script.ready(alice)
        let plan = script.plan(of: worker)
        #expect(plan.command == ["python3", "app.py"])
        #expect(plan.folder == "/srv/packages/1.0")
        #expect(plan.env["STEWARD_PACKAGE"] == "/srv/packages/1.0")
        #expect(script.status(alice).package == "1.0")
    }

    @Test func theCommandIsTheUsersThenThePackagesThenTheConfigured() {
        var script = Script { $0.packages = "/srv/packages" }
        script.publish("1.0") { $0.command = ["py", "{package}/{user}"] }
        script.current("1.0")
        let packaged = script.ready(alice)
        #expect(script.plan(of: packaged).command == ["py", "/srv/packages/1.0/alice"])
        let own = script.ready(bob) { $0.command = ["own", "{package}"] }
        #expect(script.plan(of: own).command == ["own", "/srv/packages/1.0"])
        script.moduser(bob) { $0.start = 5 }
        #expect(script.plan(of: script.lastStarted(bob)).command == ["/srv/users/bob/start"])
        #expect(script.plan(of: script.lastStarted(bob)).folder == "/srv/packages/1.0")
    }

    @Test func checksAreTheUsersThenThePackagesThenTheConfigured() {
        var script = Script { $0.packages = "/srv/packages" }
        script.publish("1.0") {
            $0.check.path = "/package"
            $0.check.fall = 7
        }
        script.current("1.0")
        let worker = script.ready(alice) { $0.check.fall = 9 }
        let orders = script.effects.compactMap { effect in
            if case .check(let order) = effect, order.worker == worker { order.settings } else { nil }
        }
        #expect(orders.last?.path == "/package")
        #expect(orders.last?.fall == 9)
        #expect(orders.last?.rise == CheckSettings().rise)
    }

    @Test func withoutAPackagesFolderThereAreNoVersions() {
        var script = Script()
        script.publish("1.0")
        script.current("1.0")
        let worker = script.ready(alice) { $0.package = "1.0" }
        let plan = script.plan(of: worker)
        #expect(plan.folder == "/srv/users/alice")
        #expect(plan.env["STEWARD_PACKAGE"] == nil)
        #expect(script.status(alice).package == nil)
    }

    @Test func whoNeedsAVersionWaitsForOne() {
        var script = Script { $0.packages = "/srv/packages" }
        script.current(nil)
        script.say(.pathwatch, .path(.complete))
        script.adduser(alice)
        #expect(script.started.isEmpty)
        #expect(script.state(alice) == "queued")
        #expect(script.status(alice).reason == "waits for a version: packages/current names no version")
        script.current("1.0")
        #expect(script.status(alice).reason == "waits for a version: packages/current names 1.0, which is not there")
        script.publish("1.0")
        #expect(script.plan(of: script.lastStarted(alice)).version == "1.0")
    }

    // MARK: another version in force

    @Test func freeUsersStayWhenAnotherVersionComesIntoForce() {
        var script = Self.script()
        let worker = script.ready(alice)
        script.clear()
        script.current("1.1")
        #expect(script.started.isEmpty)
        #expect(Self.version(script) == "1.0")
        script.send(.exited(worker, .signal(9)))
        #expect(script.plan(of: script.lastStarted(alice)).version == "1.0")
        script.adduser(bob)
        #expect(script.plan(of: script.lastStarted(bob)).version == "1.1")
    }

    @Test func freeUsersMayTakeItAtTheirNextStart() {
        var script = Self.script(.onRestart)
        let worker = script.ready(alice)
        script.clear()
        script.current("1.1")
        #expect(script.started.isEmpty)
        script.send(.exited(worker, .signal(9)))
        #expect(script.plan(of: script.lastStarted(alice)).version == "1.1")
    }

    @Test func aRestartIsAStart() {
        var script = Self.script(.onRestart)
        _ = script.ready(alice)
        script.current("1.1")
        script.send(.restart(alice))
        #expect(script.plan(of: script.lastStarted(alice)).version == "1.1")
        #expect(script.happenings.contains { $0.text == "swapping to 1.1: restart asked for" })
    }

    @Test func aVersionThatCannotBeUsedComesNotIntoForce() {
        var script = Self.script()
        script.say(.pathwatch, .path(.packageFault(PackageFault(version: "2.0", text: "no package.yaml"))))
        script.current("2.0")
        #expect(script.supervisor.versions.current == "1.0")
        let trouble = "packages/current names 2.0, which cannot be used: no package.yaml; 1.0 stays in force"
        #expect(script.happenings.last { $0.weight == .warning }?.text == trouble)
        script.publish("2.0")
        #expect(script.supervisor.versions.current == "2.0")
        script.current("ghost")
        script.current(nil)
        script.current(nil, fault: "it is no link")
        #expect(script.supervisor.versions.current == "2.0")
        #expect(script.supervisor.versions.linkTrouble == "it is no link; 2.0 stays in force")
    }

    // MARK: pins

    @Test func aPinIsKeptAndItsChangeIsASwap() {
        var script = Self.script()
        _ = script.ready(alice) { $0.package = "1.1" }
        #expect(script.plan(of: script.lastStarted(alice)).version == "1.1")
        script.current("1.1")
        script.clear()
        script.moduser(alice) { $0.package = "1.0" }
        let new = script.lastStarted(alice)
        #expect(script.plan(of: new).version == "1.0")
        script.send(.notified(new, .ready))
        #expect(script.status(alice).package == "1.0")
        script.clear()
        script.moduser(alice) { _ in }
        #expect(script.started.isEmpty, "who is not pinned any more stays where it is")
        #expect(Self.version(script) == "1.0")
    }

    @Test func aPinThatIsNotThereGetsTheVersionInForceUntilItIs() {
        var script = Self.script()
        _ = script.ready(alice) { $0.package = "3.0" }
        #expect(script.plan(of: script.lastStarted(alice)).version == "1.0")
        #expect(script.status(alice).reason == "runs 1.0: 3.0 is not there")
        script.clear()
        script.publish("3.0")
        #expect(script.plan(of: script.lastStarted(alice)).version == "3.0")
        script.send(.notified(script.lastStarted(alice), .ready))
        #expect(script.status(alice).reason == nil)
    }

    // MARK: versions that go or change

    @Test func aVersionThatGoesIsReplacedAtTheNextStart() {
        var script = Self.script()
        let worker = script.ready(alice)
        _ = script.ready(bob)
        script.current("1.1")
        script.clear()
        script.say(.pathwatch, .path(.packageGone(TextLine("1.0"))))
        #expect(script.started.isEmpty)
        let told = script.happenings.filter { $0.weight == .warning }.map(\.text)
        #expect(told == ["1.0 is gone: 2 users still run it and fall back to the version in force at the next start"])
        #expect(script.status(alice).reason == "runs 1.0: 1.0 is gone")
        script.send(.exited(worker, .signal(9)))
        let new = script.lastStarted(alice)
        #expect(script.plan(of: new).version == "1.1")
        script.send(.notified(new, .ready))
        #expect(script.status(alice).reason == "runs 1.1: 1.0 is gone")
        #expect(script.happenings.contains { $0.text == "runs 1.1: 1.0 is gone" && $0.rule == "package" })
        // A change of the settings is a start, too.
        script.moduser(bob) { $0.env["A"] = "1" }
        #expect(script.plan(of: script.lastStarted(bob)).version == "1.1")
    }

    @Test func whoseVersionIsGoneStaysWhereThereIsNoOther() {
        var script = Self.script()
        let worker = script.ready(alice)
        script.say(.pathwatch, .path(.packageGone(TextLine("1.0"))))
        script.clear()
        script.send(.restart(alice))
        #expect(script.started.isEmpty)
        #expect(script.state(alice) == "ready")
        script.send(.exited(worker, .signal(9)))
        #expect(script.started.isEmpty)
        #expect(script.status(alice).reason == "waits for a version: 1.0 is gone")
        script.current("1.1")
        #expect(script.plan(of: script.lastStarted(alice)).version == "1.1")
    }

    @Test func whatWaitsForAVersionIsDoneWhenThereIsOne() {
        var script = Self.script()
        _ = script.ready(alice)
        script.say(.pathwatch, .path(.packageGone(TextLine("1.0"))))
        script.send(.restart(alice))
        script.clear()
        script.current("1.1")
        #expect(script.plan(of: script.lastStarted(alice)).version == "1.1")
        #expect(script.happenings.contains { $0.text == "swapping to 1.1: restart asked for" })
    }

    @Test func aVersionThatWasChangedIsForThoseOnlyWhoRunIt() {
        var script = Self.script()
        let worker = script.ready(alice)
        script.clear()
        script.publish("1.0") {
            $0.identity = 2
            $0.command = ["evil"]
        }
        #expect(script.started.isEmpty)
        #expect(script.happenings.map(\.weight) == [.warning])
        script.send(.exited(worker, .signal(9)))
        #expect(script.plan(of: script.lastStarted(alice)).command == ["python3", "app.py"])
        script.adduser(bob)
        #expect(script.plan(of: script.lastStarted(bob)).version == nil)
        #expect(script.status(bob).reason?.contains("1.0 was changed in place") == true)
        // As it was before.
        script.publish("1.0")
        #expect(script.plan(of: script.lastStarted(bob)).version == "1.0")
    }

    @Test func aVersionThatNobodyRunsMayComeBackAsAnother() {
        var script = Self.script()
        script.say(.pathwatch, .path(.packageGone(TextLine("1.1"))))
        script.publish("1.1") { $0.identity = 2 }
        script.current("1.1")
        #expect(script.supervisor.versions.current == "1.1")
    }

    // MARK: between two masters and two pathwatches

    private static func left(_ version: String?, recorded: String? = nil) -> Remains {
        var record = UserRecord()
        record.name = alice
        record.generation = 2
        (record.version, record.formerVersion) = (recorded, recorded.map { _ in "0.9" })
        var process = ProcessRecord()
        (process.generation, process.socket, process.pid, process.stage) = (2, 1, 50, .ready)
        process.version = version
        record.processes = [process]
        let socket = SocketID(user: alice, generation: 1)
        return Remains(record: record, face: Face(socket: socket), sockets: [socket])
    }

    @Test func theNextMasterGoesOnWithTheVersion() throws {
        var script = Self.script()
        let worker = script.ready(alice)
        script.current("1.1")
        let user = try #require(script.supervisor.users[alice])
        let record = UserRecord(user)
        #expect(record.version == "1.0")
        #expect(record.processes.map(\.version) == ["1.0"])
        let socket = try #require(script.socket(of: worker))
        let remains = Remains(record: record, face: Face(socket: socket), sockets: [socket])
        var next = Self.script(remains: [alice: remains])
        next.current("1.1")
        next.adduser(alice)
        #expect(next.started.isEmpty, "\(next.happenings.map(\.text))")
        #expect(next.status(alice).package == "1.0")
        next.send(.exited(worker, .signal(9)))
        #expect(next.plan(of: next.lastStarted(alice)).version == "1.0")
    }

    @Test func theRecordThenTheStateFolderThenTheProcessTellsTheVersion() {
        func version(_ left: Remains, _ versions: [UserName: KeptVersion]) -> User? {
            var script = Script({ $0.packages = "/srv/packages" }, remains: [alice: left], versions: versions)
            script.adduser(alice)
            return script.supervisor.users[alice]
        }
        let kept = [alice: KeptVersion(version: "0.8", former: "0.7")]
        let recorded = version(Self.left("1.1", recorded: "1.0"), kept)
        #expect(recorded?.version == "1.0" && recorded?.formerVersion == "0.9")
        let restored = version(Self.left("1.1"), kept)
        #expect(restored?.version == "0.8" && restored?.formerVersion == "0.7")
        #expect(version(Self.left("1.1"), [:])?.version == "1.1")
    }

    @Test func whoRunsAVersionThatNobodyHasSeenIsLeftAlone() {
        var script = Script({ $0.packages = "/srv/packages" }, remains: [alice: Self.left("0.5")])
        script.publish("1.0")
        script.current("1.0")
        script.adduser(alice)
        script.say(.pathwatch, .path(.complete))
        #expect(script.started.isEmpty)
        #expect(
            script.happenings.filter { $0.weight == .warning }.map(\.text) == [
                "0.5 is gone: a user still runs it and falls back to the version in force at the next start"
            ])
        #expect(script.status(alice).reason == "runs 0.5: 0.5 is gone")
        script.moduser(alice) { $0.env["A"] = "1" }
        #expect(script.plan(of: script.lastStarted(alice)).version == "1.0")
    }

    @Test func versionsAreWrittenDownOnceForACrowd() {
        var script = Self.script(versions: [bob: KeptVersion(version: "1.1", former: "1.0")])
        #expect(script.supervisor.keptVersions.isEmpty, "the snapshot is complete, and bob is not in it")
        for number in 1...20 { script.adduser(UserName("user-\(number)") ?? alice) }
        script.wait(.seconds(1))
        #expect(Self.written(script).count == 1)
        #expect(Self.written(script).last?.count == 20)
        #expect(Self.written(script).last?[UserName("user-7") ?? alice] == KeptVersion(version: "1.0"))
        // What has changed just before the end is not lost.
        script.adduser(alice)
        script.send(.stop)
        #expect(Self.written(script).last?.count == 21)
        script.wait(.seconds(60))
        #expect(Self.written(script).count == 2)
    }

    private static func written(_ script: Script) -> [[UserName: KeptVersion]] {
        script.effects.compactMap { if case .keepVersions(let versions) = $0 { versions } else { nil } }
    }

    @Test func versionsOfThoseWhoAreNotReportedYetAreKept() {
        let kept = [alice: KeptVersion(version: "1.1", former: "1.0"), bob: KeptVersion(version: "1.0")]
        var script = Script({ $0.packages = "/srv/packages" }, versions: kept)
        script.publish("1.0")
        script.publish("1.1")
        script.current("1.0")
        script.adduser(alice)
        #expect(script.plan(of: script.lastStarted(alice)).version == "1.1")
        #expect(script.supervisor.keptVersions == kept)
        script.say(.pathwatch, .path(.complete))
        #expect(script.supervisor.keptVersions.keys.sorted() == [alice])
    }

    @Test func anotherPathwatchTellsWhatHasGoneMeanwhile() {
        var script = Self.script()
        _ = script.ready(alice)
        script.clear()
        let generation = script.supervisor.watchers[.pathwatch]?.generation ?? 0
        script.send(.watcherExited(.pathwatch, generation: generation, why: "signal 9"))
        script.wait(.seconds(1))
        script.publish("1.1")
        #expect(script.happenings.allSatisfy { $0.rule != "package" })
        script.current("1.1")
        #expect(script.happenings.filter { $0.weight == .warning }.map(\.text).last?.hasPrefix("1.0 is gone") == true)
        #expect(script.started.isEmpty)
        #expect(script.supervisor.versions.current == "1.1")
    }

    @Test func aFolderThatCannotBeReadChangesNothing() {
        var script = Self.script()
        let worker = script.ready(alice)
        script.clear()
        script.say(.pathwatch, .path(.packageFault(PackageFault(version: nil, text: "/srv/packages: gone"))))
        #expect(script.happenings.map(\.text) == ["/srv/packages: gone"])
        script.send(.exited(worker, .signal(9)))
        #expect(script.plan(of: script.lastStarted(alice)).version == "1.0")
    }

    // MARK: the file

    @Test func theFileOfVersionsReadsWhatItWrites() throws {
        let versions = [alice: KeptVersion(version: "1.1", former: "1.0"), bob: KeptVersion(version: "1.0")]
        let bytes = try VersionFile.bytes(versions)
        #expect(try VersionFile.versions(bytes) == versions)
        #expect(try VersionFile.versions([]).isEmpty)
        #expect(throws: WireError.truncated) { try VersionFile.versions(bytes.dropLast()) }
    }
}
