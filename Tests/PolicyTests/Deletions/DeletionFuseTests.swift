// Which deletions are believed: scripts of deletions and returns.

import Shared
import Testing

@testable import Policy

private func names(_ count: Int, from first: Int = 0) -> [UserName] {
    (first..<first + count).compactMap { UserName("user-\($0)") }.sorted()
}

/// A fuse before which users go and come.
private final class Play {
    var fuse: DeletionFuse
    var now = Instant(nanoseconds: 0)
    /// Users that master knows.
    var known: Int

    init(_ known: Int, _ settings: DeletionFuseSettings = DeletionFuseSettings(), folder: FolderIdentity? = nil) {
        self.known = known
        fuse = DeletionFuse(settings, folder: folder)
    }

    func returned(_ name: UserName) -> Bool { fuse.returned(name) != nil }
    func found(_ folder: FolderIdentity) -> [UserName] { fuse.folderFound(folder).keys.sorted() }
    func searched(_ folder: FolderIdentity) -> Bool { fuse.folderSearched(folder) }

    func delete(_ names: [UserName]) {
        for name in names { fuse.deleted(name, now: now) }
    }

    /// What is decided when no more comes.
    func judgement() -> DeletionFuse.Judgement? {
        guard let deadline = fuse.deadline else { return nil }
        now = max(now, deadline)
        let judgement = fuse.judge(known: known, now: now)
        if case .pass(let names) = judgement { known -= names.count }
        return judgement
    }

    func isPassed(_ names: [UserName]) -> Bool {
        delete(names)
        return judgement() == .pass(names)
    }

    func isHeld(_ names: [UserName]) -> Bool {
        delete(names)
        guard case .hold(names, _) = judgement() else { return false }
        return true
    }
}

@Suite struct DeletionFuseTests {
    @Test(arguments: [(3, 1), (30, 5), (3000, 300)]) func asManyPassAsTheSettingsSay(users: Int, most: Int) {
        let play = Play(users)
        #expect(play.isPassed(names(most)))
        #expect(play.known == users - most)
        #expect(play.fuse.held.isEmpty)
    }

    @Test(arguments: [(30, 6), (3000, 301), (3, 3), (30, 30), (3000, 3000)])
    func moreAreHeldBackWhole(users: Int, gone: Int) {
        let play = Play(users)
        #expect(play.isHeld(names(gone)))
        #expect(play.fuse.held.count == gone)
        #expect(play.judgement() == nil, "there is one judgement")
    }

    @Test func theLastOfTwoOrMoreIsHeldBackAndTheOnlyOneIsNot() {
        let play = Play(2)
        #expect(play.isPassed([alice]))
        #expect(play.isHeld([bob]))
        let alone = Play(1)
        #expect(alone.isPassed([alice]))
    }

    /// After a minute it is forgotten that there were two.
    @Test func whoIsLeftAloneMayGo() {
        let play = Play(2)
        #expect(play.isPassed([alice]))
        play.now = play.now + DeletionFuse.window
        #expect(play.isPassed([bob]))
    }

    @Test func aDeletionWaitsForFurtherOnesButNotForEver() {
        let play = Play(1000)
        for name in names(30) {
            play.delete([name])
            play.now = play.now + .milliseconds(100)
        }
        #expect(play.fuse.deadline == Instant(nanoseconds: 0) + DeletionFuse.longest)
        let single = Play(10)
        single.delete([alice])
        #expect(single.fuse.deadline == Instant(nanoseconds: 0) + DeletionFuse.quiet)
        single.now = single.now + .milliseconds(200)
        single.delete([alice])
        #expect(single.fuse.deadline == Instant(nanoseconds: 0) + DeletionFuse.quiet, "it is the same deletion")
    }

    /// A slow `rm` is one, too: what was held back counts as what has passed does.
    @Test func aMinuteIsJudgedAsAWhole() {
        let play = Play(30)
        for name in names(5) { #expect(play.isPassed([name])) }
        for name in names(10, from: 5) {
            play.now = play.now + .seconds(5)
            #expect(play.isHeld([name]))
        }
        #expect(play.fuse.held.count == 10)
        play.now = play.now + DeletionFuse.window
        #expect(play.isPassed(names(1, from: 20)))
    }

    @Test func whoComesBackCountsNoLonger() {
        let play = Play(30)
        for _ in 0..<20 {
            #expect(play.isPassed([alice]))
            #expect(!play.returned(alice))
            play.known += 1
        }
        #expect(play.isHeld(names(6)))
        for name in names(6) { #expect(play.returned(name)) }
        #expect(play.fuse.held.isEmpty)
        #expect(play.isPassed(names(5)))
    }

    @Test func whoComesBackAtOnceWasNeverGone() {
        let play = Play(3)
        play.delete(names(3))
        for name in names(3) { #expect(!play.returned(name)) }
        #expect(play.fuse.deadline == nil)
        #expect(play.judgement() == nil)
    }

    @Test func whatIsConfirmedCountsNoLonger() {
        let play = Play(30)
        #expect(play.isHeld(names(6)))
        play.fuse.confirm(names(6))
        play.known -= 6
        #expect(play.fuse.held.isEmpty)
        #expect(play.isPassed(names(5, from: 6)))
    }

    @Test func theSettingsAreObeyed() {
        var settings = DeletionFuseSettings()
        (settings.users, settings.share) = (0, 0)
        #expect(Play(30, settings).isHeld([alice]))
        (settings.users, settings.share) = (1, 1)
        #expect(Play(30, settings).isPassed(names(29)))
    }

    // MARK: the users' folder

    private static let old = FolderIdentity(device: 1, inode: 1)
    private static let new = FolderIdentity(device: 1, inode: 2)

    @Test func inAnotherFolderOneIsEnough() {
        let play = Play(30, folder: Self.old)
        #expect(play.found(Self.new) == [])
        play.delete([alice])
        #expect(play.searched(Self.new), "the search may end before the judgement")
        #expect(play.isHeld([alice]))
        #expect(play.isPassed([bob]), "from now on it is the users' folder")
        #expect(!play.searched(Self.new))
    }

    @Test func inTheSameFolderNothingIsInDoubt() {
        let play = Play(30, folder: Self.old)
        #expect(play.found(Self.old) == [])
        #expect(play.isPassed([alice]))
        let first = Play(30)
        #expect(first.found(Self.old) == [])
        #expect(first.isPassed([alice]))
    }

    @Test(arguments: [3, 30, 3000]) func aFolderThatIsGoneHoldsEverybodyBackUntilItReturns(users: Int) {
        let play = Play(users, folder: Self.old)
        play.fuse.folderGone("no such file", known: names(users), now: play.now)
        #expect(play.judgement() == .hold(names(users), why: "no such file"))
        #expect(play.fuse.isFolderGone)
        #expect(play.found(Self.old) == names(users))
        #expect(play.fuse.held.isEmpty && !play.fuse.isFolderGone)
        if users > 3 { #expect(play.isPassed([alice])) }
    }

    @Test func aFolderThatIsBackAtOnceWasNeverGone() {
        let play = Play(3, folder: Self.old)
        play.fuse.folderGone("no such file", known: names(3), now: play.now)
        #expect(play.found(Self.old) == [])
        #expect(play.fuse.deadline == nil)
    }

    /// What was reported before stays true when the folder is back.
    @Test func aReportOutlivesTheAbsenceOfTheFolder() {
        let play = Play(30, folder: Self.old)
        play.delete([alice])
        play.fuse.folderGone("no such file", known: names(29) + [alice], now: play.now)
        #expect(play.found(Self.old) == [])
        #expect(play.judgement() == .pass([alice]))
    }
}
