// Users' folders that disappear: by order, by mistake, with their disk. A user whose deletion is doubtful is served on.

import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct DeletionTests {
    private static func names(_ count: Int) -> [String] { (1...count).map { "user-\($0)" } }

    /// Runs `body` on a tree with so many ready users.
    private func with(
        _ count: Int, _ body: (Tree, _ names: [String], _ before: StatusReport) async throws -> Void
    ) async throws {
        let names = Self.names(count)
        try await Tree.with {
            $0.users = Dictionary(uniqueKeysWithValues: names.map { ($0, "") })
            $0.settings["worker.command"] = "[/usr/bin/python3, \(Sources.path("Tests/Workers/small.py"))]"
        } _: { tree in
            try await body(tree, names, try await allReady(tree, count))
        }
    }

    private func allReady(_ tree: Tree, _ count: Int) async throws -> StatusReport {
        try await tree.waitUntil("all are ready") { $0.users.count { $0.isReady } == count }
    }

    /// Waits until exactly these are on the list, and checks that all users are served as before.
    @discardableResult
    private func awaitHeld(_ tree: Tree, _ names: [String], as before: StatusReport) async throws -> StatusReport {
        let report = try await tree.waitUntil("\(names.count) are held back") { report in
            report.pendingDeletion.map(\.name).sorted() == names.sorted()
        }
        #expect(report.pids == before.pids)
        #expect(report.users.allSatisfy { $0.isReady })
        for name in names.prefix(3) { #expect(await tree.get(name).status == 200) }
        return report
    }

    private func removeAll(_ tree: Tree, _ names: [String]) throws {
        for name in names { try tree.deleteUser(name) }
    }

    /// What master's log says of the fuse.
    private func warnings(_ tree: Tree) throws -> Int {
        try String(contentsOfFile: tree.log, encoding: .utf8).split(separator: "\n")
            .count { $0.contains("held back until") }
    }

    @Test(arguments: [3, 30]) func removingEverybodyWaitsForConfirmation(count: Int) async throws {
        try await with(count) { tree, names, before in
            try removeAll(tree, names)
            try await awaitHeld(tree, names, as: before)
            #expect(try warnings(tree) == 1)
            let why = try await tree.steward("why", names[0])
            #expect(why.output.contains("deletion held back since"), "\(why.output)")
            let table = try await tree.steward("status")
            #expect(table.output.contains("until `steward confirm-delete`"), "\(table.output)")

            // One comes back: it is off the list, and its worker has not noticed anything.
            try tree.addUser(names[0])
            try await awaitHeld(tree, Array(names[1...]), as: before)

            let refused = try await tree.steward("confirm-delete", names[0])
            #expect(refused.status == 1 && refused.errors.contains("no deletion of \(names[0]) is held back"))
            #expect(try await tree.steward("confirm-delete", names[1], "--wait").status == 0)
            #expect(try await tree.status().user(names[1]) == nil)
            let pid = try #require(before.pids[names[1]])
            #expect(ProcessIdentity(pid) == nil)
            #expect(try await tree.steward("confirm-delete").status == 0)
            let after = try await tree.waitUntil("one is left") { $0.users.count == 1 }
            #expect(after.pendingDeletion.isEmpty)
            #expect(after.pids[names[0]] == before.pids[names[0]])
            #expect(try await tree.steward("confirm-delete").status == 1)
            try await tree.expectEachUserServed()
        }
    }

    @Test func oneDeletionNeedsNoWord() async throws {
        try await with(3) { tree, names, before in
            let begin = Instant.now()
            try tree.deleteUser(names[0])
            let after = try await tree.waitUntil("it is gone", within: .seconds(10)) { $0.user(names[0]) == nil }
            print("a single deletion took \(Int((Instant.now() - begin).milliseconds)) ms")
            #expect(after.pendingDeletion.isEmpty)
            #expect(after.pids[names[1]] == before.pids[names[1]])
        }
    }

    @Test(arguments: [3, 30]) func aFolderThatIsMovedAwayAndBackChangesNothing(count: Int) async throws {
        try await with(count) { tree, names, before in
            let away = "\(tree.folder)/away"
            try check("rename", tree.users) { rename(tree.users, away) }
            try await awaitHeld(tree, names, as: before)
            #expect(try warnings(tree) == 1)
            try check("rename", away) { rename(away, tree.users) }
            try await awaitHeld(tree, [], as: before)
            // It is watched as before.
            try tree.addUser("late")
            try await tree.waitUntilReady("late")
        }
    }

    /// What was confirmed while the folder was away is there again with it.
    @Test func aConfirmationDoesNotWaitForTheFolder() async throws {
        try await with(3) { tree, names, before in
            let away = "\(tree.folder)/away"
            try check("rename", tree.users) { rename(tree.users, away) }
            try await awaitHeld(tree, names, as: before)
            #expect(try await tree.steward("confirm-delete", names[0], "--wait").status == 0)
            #expect(try await tree.status().user(names[0]) == nil)
            try check("rename", away) { rename(away, tree.users) }
            let after = try await allReady(tree, 3)
            #expect(after.pids[names[0]] != before.pids[names[0]])
            #expect(after.pids[names[1]] == before.pids[names[1]])
        }
    }

    @Test(arguments: [3, 30]) func whoIsMissingInAnotherFolderIsHeldBack(count: Int) async throws {
        try await with(count) { tree, names, before in
            let (new, old) = ("\(tree.folder)/new", "\(tree.folder)/old")
            try FileManager.default.copyItem(atPath: tree.users, toPath: new)
            try FileManager.default.removeItem(atPath: "\(new)/\(names[0])")
            try check("rename", tree.users) { rename(tree.users, old) }
            try check("rename", new) { rename(new, tree.users) }
            let report = try await awaitHeld(tree, [names[0]], as: before)
            #expect(report.pendingDeletion[0].why.contains("another one than before"))
            #expect(try await tree.steward("confirm-delete", names[0]).status == 0)
            #expect(try await tree.status().user(names[0]) == nil)
            // In this folder now a deletion is like any other.
            try tree.deleteUser(names[1])
            let after = try await tree.waitUntil("it is gone") { $0.user(names[1]) == nil }
            #expect(after.pendingDeletion.isEmpty)
        }
    }

    @Test func anUnmountedFolderDeletesNobody() async throws {
        guard let disk = try SmallDisk(kibibytes: 1024) else { return }
        defer { disk.remove() }
        let names = Self.names(3)
        for name in names {
            try FileManager.default.createDirectory(atPath: "\(disk.path)/\(name)", withIntermediateDirectories: false)
            try Data().write(to: URL(fileURLWithPath: "\(disk.path)/\(name)/user.yaml"))
        }
        try await Tree.with {
            $0.settings["users"] = disk.path
        } _: { tree in
            let before = try await allReady(tree, 3)
            try check("umount2", disk.path) { umount2(disk.path, Int32(MNT_DETACH)) }
            try await awaitHeld(tree, names, as: before)
            // The next master sees an empty folder, and the same users.
            try await tree.replaceMaster()
            try await awaitHeld(tree, names, as: before)
            try check("mount", disk.path) { mount("tmpfs", disk.path, "tmpfs", 0, "size=1024k,mode=0755") }
            for name in names.dropLast() {
                try FileManager.default.createDirectory(
                    atPath: "\(disk.path)/\(name)", withIntermediateDirectories: false)
                try Data().write(to: URL(fileURLWithPath: "\(disk.path)/\(name)/user.yaml"))
            }
            try await awaitHeld(tree, [names[2]], as: before)
        }
    }

    // MARK: master dies

    /// Before it has judged, or after: the next one judges alike.
    @Test(arguments: [3, 30], [false, true])
    func masterDiesInTheMiddle(count: Int, isJudged: Bool) async throws {
        try await with(count) { tree, names, before in
            try removeAll(tree, names)
            if isJudged { try await awaitHeld(tree, names, as: before) }
            try await tree.replaceMaster()
            let report = try await tree.waitUntil("all are held back") { $0.pendingDeletion.count == count }
            #expect(names.allSatisfy { name in before.pids[name].flatMap { ProcessIdentity($0) } != nil })
            for name in names.prefix(3) { #expect(await tree.get(name).status == 200) }
            if isJudged {
                // It is known how they are started.
                #expect(report.pids == before.pids)
                kill(try #require(before.pids[names[0]]), SIGKILL)
                try await tree.waitUntil("it is restarted") { report in
                    report.user(names[0]).map { $0.isReady && $0.restarts == 1 } ?? false
                }
            }
            try tree.addUser(names[1])
            try await tree.waitUntil("one is back") { $0.pendingDeletion.count == count - 1 }
            #expect(try await tree.status().pids[names[1]] == before.pids[names[1]])
            #expect(try await tree.steward("confirm-delete", "--wait").status == 0)
            try await tree.waitUntil("one is left") { $0.users.map(\.name) == [names[1]] }
            try await eventually("their workers are gone") {
                names.filter { $0 != names[1] }.allSatisfy { before.pids[$0].flatMap { ProcessIdentity($0) } == nil }
            }
            try await tree.expectEachUserServed()
        }
    }
}
