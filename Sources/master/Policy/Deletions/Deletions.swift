// Which users are there by pathwatch's word, and which of the others are to be deleted.
//
// A deletion passes the fuse before a worker is ended; one that is held back waits for the operator, and is written down
// for the next master. What is wrong with folders that are no users yet stands here, too.

import Shared

/// A deletion that an earlier master has held back.
package struct KeptDeletion: Equatable, Sendable {
    let name: UserName
    let since: Instant
    let why: String
    /// With which the user is served on; nil where they were never known.
    let settings: UserSettings?
}

/// What an earlier master has known of the users' folder.
package struct KeptDeletions: Equatable, Sendable {
    var held: [KeptDeletion]
    var folder: FolderIdentity?

    package init(held: [KeptDeletion] = [], folder: FolderIdentity? = nil) {
        (self.held, self.folder) = (held, folder)
    }
}

struct Deletions {
    /// Between a user's return and the writing of the list that is shorter by it: they come in crowds.
    private static let keepDelay = Duration.milliseconds(100)

    private var fuse: DeletionFuse
    /// What is wrong with the files of folders that are no users yet.
    private(set) var faults: [UserName: String] = [:]
    /// Users that pathwatch has reported since its snapshot began; nil once that is complete.
    private var reported: Set<UserName>? = []
    /// When the list is to be written down; nil where it is.
    private var keepAt: Instant?

    init(_ settings: DeletionFuseSettings, _ kept: KeptDeletions) {
        let pairs = kept.held.map { ($0.name, DeletionFuse.Held(since: $0.since, why: $0.why)) }
        fuse = DeletionFuse(settings, held: Dictionary(pairs) { first, _ in first }, folder: kept.folder)
    }

    /// Whether pathwatch has reported all present users.
    var isComplete: Bool { reported == nil }
    var held: [UserName: DeletionFuse.Held] { fuse.held }
    var isFolderGone: Bool { fuse.isFolderGone }
    var folder: FolderIdentity? { fuse.folder }

    mutating func install(_ settings: DeletionFuseSettings) {
        fuse.settings = settings
    }

    // MARK: deadlines

    enum Due: Equatable {
        case judge
        /// Write down whose deletion is held back.
        case keep
    }

    var deadline: Instant? { [fuse.deadline, keepAt].compactMap(\.self).min() }

    /// What is due first, of what is due.
    mutating func expire(_ now: Instant) -> Due? {
        guard let first = deadline, first <= now else { return nil }
        if fuse.deadline == first { return .judge }
        keepAt = nil
        return .keep
    }

    private mutating func keepSoon(_ now: Instant) {
        keepAt = keepAt ?? now + Self.keepDelay
    }

    // MARK: reports

    /// pathwatch begins to tell everything anew.
    mutating func begin() {
        reported = []
    }

    /// It has told everything.
    ///
    /// - Returns: the users that it has named; nil where it had told everything before.
    mutating func complete() -> Set<UserName>? {
        guard let present = reported else { return nil }
        reported = nil
        faults = faults.filter { present.contains($0.key) }
        return present
    }

    /// The user's files are there, whatever they say.
    ///
    /// - Returns: how its deletion was held back, where it was.
    mutating func found(_ name: UserName, _ now: Instant) -> DeletionFuse.Held? {
        reported?.insert(name)
        guard let held = fuse.returned(name) else { return nil }
        keepSoon(now)
        return held
    }

    /// It is there; nothing follows from it any more.
    mutating func named(_ name: UserName) {
        reported?.insert(name)
    }

    /// - Parameter isUser: whether it is one already, with settings of its own.
    mutating func faulty(_ name: UserName, _ fault: String, isUser: Bool) {
        if !isUser { faults[name] = fault }
    }

    mutating func faultless(_ name: UserName) {
        faults[name] = nil
    }

    mutating func gone(_ name: UserName, _ now: Instant) {
        fuse.deleted(name, now: now)
    }

    // MARK: the users' folder

    mutating func folderGone(_ trouble: String, known: [UserName], _ now: Instant) {
        fuse.folderGone(trouble, known: known, now: now)
    }

    /// - Returns: whether it is another one than before: that is to be written down.
    mutating func folderSearched(_ identity: FolderIdentity) -> Bool { fuse.folderSearched(identity) }

    /// - Returns: whose deletion is held back no longer.
    mutating func folderFound(_ identity: FolderIdentity, _ now: Instant) -> [UserName: DeletionFuse.Held] {
        let back = fuse.folderFound(identity)
        if !back.isEmpty { keepSoon(now) }
        return back
    }

    // MARK: judgement

    /// - Parameter known: how many users there are, those whose deletion is gathered or held back among them.
    mutating func judge(known: Int, _ now: Instant) -> DeletionFuse.Judgement? { fuse.judge(known: known, now: now) }

    /// Why these cannot be confirmed; nil where they can.
    func objection(toConfirming names: [UserName]) -> String? {
        if fuse.held.isEmpty { return "no deletion is held back" }
        return names.first { fuse.held[$0] == nil }.map { "no deletion of \($0) is held back" }
    }

    /// - Parameter names: empty for all on the list.
    /// - Returns: the users that are to be deleted now.
    mutating func confirm(_ names: [UserName]) -> [UserName] {
        let confirmed = names.isEmpty ? fuse.held.keys.sorted() : names.filter { fuse.held[$0] != nil }
        fuse.confirm(confirmed)
        return confirmed
    }
}
