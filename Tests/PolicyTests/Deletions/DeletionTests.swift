// Deletions through the whole policy: which users are served on, and what the next master knows.

import Shared
import Testing

@testable import Policy

@Suite struct DeletionTests {
    private static let old = FolderIdentity(device: 1, inode: 1)

    private static func names(_ count: Int) -> [UserName] { (0..<count).compactMap { UserName("user-\($0)") }.sorted() }

    /// As many ready users.
    private static func script(_ count: Int) -> Script {
        var script = Script { $0.worker.startConcurrency = count }
        script.say(.pathwatch, .path(.folder(FolderReport(old, isSearched: false))))
        for name in names(count) { _ = script.ready(name) }
        script.say(.pathwatch, .path(.complete))
        script.say(.pathwatch, .path(.folder(FolderReport(old, isSearched: true))))
        script.clear()
        return script
    }

    private static func held(_ script: Script) -> [UserName] { script.supervisor.deletions.held.keys.sorted() }

    private static func warnings(_ script: Script) -> [String] {
        script.happenings.filter { $0.weight == .warning }.map(\.text)
    }

    @Test(arguments: [3, 30, 3000]) func everybodyAtOnceIsServedOnUntilTheOperatorsWord(count: Int) {
        var script = Self.script(count)
        let all = Self.names(count)
        for name in all { script.say(.pathwatch, .path(.deluser(name))) }
        script.wait(DeletionFuse.longest)
        #expect(Self.held(script) == all)
        #expect(Self.warnings(script).count == 1)
        #expect(script.effects.count { if case .ping = $0 { false } else { true } } == 1)
        #expect(script.keepsDeletions)
        #expect(all.allSatisfy { script.state($0) == "ready" })
        script.clear()
        script.send(.confirmDeletions([all[0]]))
        #expect(script.effects.contains(.unlink(all[0])) && script.keepsDeletions)
        #expect(!script.effects.contains(.unlink(all[1])))
        script.clear()
        script.send(.confirmDeletions([]))
        #expect(script.effects.count { if case .unlink = $0 { true } else { false } } == count - 1)
        #expect(Self.held(script).isEmpty)
    }

    @Test func whoComesBackIsTakenOffTheListAndLeftAlone() {
        var script = Self.script(3)
        let all = Self.names(3)
        for name in all { script.say(.pathwatch, .path(.deluser(name))) }
        script.wait(DeletionFuse.quiet)
        script.clear()
        script.adduser(all[0])
        script.say(.pathwatch, .path(.fault(UserFault(name: all[1], text: "user.yaml:1:1: no"))))
        script.wait(.seconds(1))
        #expect(Self.held(script) == [all[2]])
        #expect(script.started.isEmpty)
        #expect(script.keepsDeletions)
    }

    @Test func whoIsHeldBackIsRestartedAsEverybodyElse() {
        var script = Self.script(2)
        let all = Self.names(2)
        for name in all { script.say(.pathwatch, .path(.deluser(name))) }
        script.wait(DeletionFuse.quiet)
        script.clear()
        script.send(.exited(WorkerID(user: all[0], generation: 2), .signal(9)))
        #expect(script.started.map(\.user) == [all[0]])
        let folders = script.effects.compactMap { effect -> String? in
            guard case .start(_, _, let plan, _) = effect else { return nil }
            return plan.folder
        }
        #expect(folders == ["/"], "its own is gone")
        script.send(.notified(script.lastStarted(all[0]), .ready))
        script.clear()
        for name in all { script.adduser(name) }
        #expect(script.started.map(\.user) == [all[0]], "back to its folder")
    }

    @Test func aMissingFolderIsNoSnapshotAndAConfirmationAsksForOne() {
        var script = Self.script(3)
        let all = Self.names(3)
        script.say(.pathwatch, .path(.folder(FolderReport(trouble: "no such file"))))
        script.wait(DeletionFuse.quiet)
        #expect(Self.held(script) == all)
        script.clear()
        script.send(.confirmDeletions([all[0]]))
        #expect(script.effects.contains(.snapshot(.pathwatch)))
        // It comes back with all three.
        script.say(.pathwatch, .path(.folder(FolderReport(Self.old, isSearched: false))))
        for name in all { script.adduser(name) }
        script.say(.pathwatch, .path(.complete))
        script.wait(.seconds(1))
        #expect(Self.held(script).isEmpty)
        #expect(script.started.map(\.user) == [all[0]])
        #expect(all[1...].allSatisfy { script.state($0) == "ready" })
    }

    // MARK: the next master

    /// A master after one with these users, of which `kept` is known.
    private static func successor(_ names: [UserName], _ kept: KeptDeletions) -> Script {
        var script = Script()
        var remains: [UserName: Remains] = [:]
        for name in names {
            var record = UserRecord()
            record.name = name
            record.generation = 2
            var process = ProcessRecord()
            (process.generation, process.socket, process.pid, process.stage) = (2, 1, 50, .ready)
            process.fingerprint = 1
            record.processes = [process]
            let socket = SocketID(user: name, generation: 1)
            remains[name] = Remains(record: record, face: Face(socket: socket), sockets: [socket])
        }
        script.supervisor = Supervisor(
            script.supervisor.configuration, processors: 2, holds: [:], remains: remains, kept: kept, seed: 1)
        script.clear()
        script.send(.boot)
        return script
    }

    private static func isTerminated(_ script: Script, _ name: UserName) -> Bool {
        script.effects.contains(.unlink(name))
    }

    @Test(arguments: [3, 30, 3000]) func theFirstSnapshotPassesTheFuse(count: Int) {
        let all = Self.names(count)
        var script = Self.successor(all, KeptDeletions())
        script.say(.pathwatch, .path(.complete))
        script.wait(DeletionFuse.quiet)
        #expect(Self.held(script) == all)
        #expect(!all.contains { Self.isTerminated(script, $0) })
        script.send(.confirmDeletions([]))
        #expect(all.allSatisfy { Self.isTerminated(script, $0) })
        #expect(script.supervisor.remains.isEmpty)
    }

    @Test func oneWhoWentWhileNoMasterRanIsDeleted() {
        var script = Self.successor([alice, bob], KeptDeletions(held: [], folder: Self.old))
        script.say(.pathwatch, .path(.folder(FolderReport(Self.old, isSearched: false))))
        script.adduser(alice)
        script.say(.pathwatch, .path(.complete))
        script.say(.pathwatch, .path(.folder(FolderReport(Self.old, isSearched: true))))
        #expect(!Self.isTerminated(script, bob), "until it is judged the known table stands")
        script.wait(DeletionFuse.quiet)
        #expect(Self.isTerminated(script, bob))
    }

    @Test func anotherFolderThanTheLastMasterKnewIsInDoubt() {
        var script = Self.successor([alice, bob], KeptDeletions(held: [], folder: Self.old))
        let new = FolderIdentity(device: 1, inode: 2)
        script.say(.pathwatch, .path(.folder(FolderReport(new, isSearched: false))))
        script.adduser(alice)
        script.say(.pathwatch, .path(.complete))
        script.say(.pathwatch, .path(.folder(FolderReport(new, isSearched: true))))
        script.wait(DeletionFuse.quiet)
        #expect(Self.held(script) == [bob])
        #expect(script.supervisor.keptDeletions.folder == new)
    }

    @Test func whoWasHeldBackIsServedByTheNextMasterWithTheSameSettings() {
        var settings = UserSettings()
        (settings.name, settings.folder, settings.plan) = (alice, "/srv/users/alice", .paid)
        let since = Instant(nanoseconds: -5)
        let kept = KeptDeletion(name: alice, since: since, why: "w", settings: settings)
        var script = Self.successor([alice], KeptDeletions(held: [kept], folder: nil))
        #expect(script.supervisor.users[alice]?.settings == settings)
        #expect(script.supervisor.adopted == 1)
        script.say(.pathwatch, .path(.complete))
        script.wait(.seconds(1))
        #expect(Self.held(script) == [alice])
        #expect(script.supervisor.keptDeletions.held == [kept])
        #expect(Self.warnings(script).isEmpty, "it has been told")
    }

    /// How to start this worker is not known.
    @Test func theKeeperAnswersForADeadWorkerOfAnUnknownUser() {
        let socket = SocketID(user: alice, generation: 1)
        var script = Self.successor([alice, bob], KeptDeletions())
        script.say(.pathwatch, .path(.complete))
        script.wait(DeletionFuse.quiet)
        script.send(.exited(WorkerID(user: alice, generation: 2), .signal(9)))
        #expect(script.effects.contains(.answer(socket, .restarting)))
        script.adduser(alice)
        #expect(script.started.map(\.user) == [alice])
        #expect(Self.held(script) == [bob])
    }

    // MARK: the file

    @Test func theFileIsReadAsItWasWritten() throws {
        var settings = UserSettings()
        settings.name = alice
        settings.env = ["A": "b"]
        let now = Instant(nanoseconds: 5_000_000_000)
        let kept = KeptDeletions(
            held: [
                KeptDeletion(name: alice, since: now + .seconds(-2), why: "w", settings: settings),
                KeptDeletion(name: bob, since: now, why: "", settings: nil),
            ], folder: Self.old)
        let bytes = try DeletionFile.bytes(kept, WallClock(wall: 1_000_000, now: now))
        #expect(try DeletionFile.kept(bytes, WallClock(wall: 1_000_000, now: now)) == kept)
        // After a reboot the monotonic clock has begun anew.
        let later = try DeletionFile.kept(bytes, WallClock(wall: 1_010_000, now: Instant(nanoseconds: 0)))
        #expect(later.held[0].since == Instant(nanoseconds: -12_000_000_000))
        for count in 1..<bytes.count {
            let torn = try? DeletionFile.kept(Array(bytes[..<count]), WallClock(wall: 0, now: now))
            #expect(torn?.held.count ?? 0 < 2)
        }
    }
}

extension Script {
    fileprivate var keepsDeletions: Bool { effects.contains(.keepDeletions(supervisor.keptDeletions)) }
}
