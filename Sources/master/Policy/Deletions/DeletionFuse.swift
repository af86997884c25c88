// Which deletions are carried out, and which wait for the operator's word.
//
// A missing folder of a user may mean that the customer has left. Many missing at once nearly always mean a wrong
// `rm`, an unmounted disk or a copy that is half done. The fuse stands between pathwatch's `deluser` and the end of a
// worker.
//
// - A deletion waits until 300 ms have passed without a further one, 2 s at most. Then all of them are judged together
//   with those of the last minute, whether those were carried out or held back.
// - All of them are held back if they are more than max(`deletion_fuse.users`, `deletion_fuse.share` of the users), or
//   if no user would be left where there were two or more. All users are held back while the users' folder is missing,
//   or is empty in place of one that was not. When the folder is there again as another one (st_dev, st_ino), the
//   users missing in it are held back: pathwatch says `folder` before it reports them as missing, and again when it
//   has looked for all users.
// - A user that is held back is still served, restarted and checked like the others, with its last known settings. If
//   its worker has to be started, its working folder is /; the worker is swapped when the user's own folder is back. A
//   user whose folder comes back is taken off the list. `steward confirm-delete` carries out the deletions. Neither
//   these users nor those that came back count afterwards.
// - STATE/deletions keeps the list, the settings of the users on it and the identity of the folder. The next master
//   serves these users before pathwatch has reported anything, and its first snapshot passes the same fuse. If a user
//   was deleted while no master ran and is then held back, that master does not know its settings: the worker runs on,
//   and if it dies, the keeper answers until the folder is back or the deletion is confirmed.

import Shared

struct DeletionFuse: Equatable, Sendable {
    /// A deletion waits so long for further ones, and no longer than `longest` in all.
    static let quiet = Duration.milliseconds(300)
    static let longest = Duration.seconds(2)
    /// Deletions of this time are judged together.
    static let window = Duration.seconds(60)

    /// How a user was found gone.
    enum Origin: Equatable, Sendable {
        /// pathwatch has reported it.
        case reported
        /// No user can be seen at the moment: it ends with the folder's return.
        case folderGone
    }

    struct Held: Equatable, Sendable {
        var since: Instant
        var why: String
        var origin = Origin.reported
    }

    enum Judgement: Equatable, Sendable {
        case pass([UserName])
        case hold([UserName], why: String)
    }

    /// Why every deletion is doubtful now.
    private enum Doubt: Equatable, Sendable {
        case folderGone(String)
        case folderReplaced

        var text: String {
            switch self {
            case .folderGone(let trouble): trouble
            case .folderReplaced: "the users' folder is another one than before"
            }
        }
    }

    var settings: DeletionFuseSettings
    private(set) var held: [UserName: Held] = [:]
    /// When the gathered deletions are to be judged; nil where there are none.
    private(set) var deadline: Instant?
    /// The users' folder in which all users have been looked for.
    private(set) var folder: FolderIdentity?
    private var gathered: [UserName: Origin] = [:]
    private var gatheredSince: Instant?
    /// The first doubt under which one of them was gathered.
    private var gatheredDoubt: Doubt?
    private var doubt: Doubt?
    /// Users that were judged in the last `window`, and when.
    private var recent: [UserName: Instant] = [:]

    /// - Parameters:
    ///   - held: what an earlier master has held back.
    ///   - folder: the users' folder that it knew.
    init(_ settings: DeletionFuseSettings, held: [UserName: Held] = [:], folder: FolderIdentity? = nil) {
        self.settings = settings
        self.held = held
        self.folder = folder
    }

    var isFolderGone: Bool {
        switch doubt {
        case .folderGone: true
        case .folderReplaced, nil: false
        }
    }

    // MARK: deletions and returns

    mutating func deleted(_ name: UserName, _ origin: Origin = .reported, now: Instant) {
        guard held[name] == nil, gathered[name] == nil else { return }
        let since = gatheredSince ?? now
        gathered[name] = origin
        gatheredSince = since
        gatheredDoubt = gatheredDoubt ?? doubt
        deadline = min(since + Self.longest, now + Self.quiet)
    }

    /// The user is there.
    ///
    /// - Returns: how its deletion was held back, where it was.
    mutating func returned(_ name: UserName) -> Held? {
        recent[name] = nil
        gathered[name] = nil
        if gathered.isEmpty { endGathering() }
        return held.removeValue(forKey: name)
    }

    /// Decides about the gathered deletions.
    ///
    /// - Parameter known: how many users there are, those whose deletion is gathered or held back among them.
    mutating func judge(known: Int, now: Instant) -> Judgement? {
        guard !gathered.isEmpty else { return nil }
        recent = recent.filter { now - $0.value < Self.window }
        let why = objection(known: known)
        let batch = gathered
        for name in batch.keys { recent[name] = now }
        endGathering()
        let names = batch.keys.sorted()
        guard let why else { return .pass(names) }
        for (name, origin) in batch { held[name] = Held(since: now, why: why, origin: origin) }
        return .hold(names, why: why)
    }

    private func objection(known: Int) -> String? {
        if let gatheredDoubt { return gatheredDoubt.text }
        let before = known + recent.keys.count { held[$0] == nil }
        let limit = Threshold(fewest: settings.users, share: settings.share).limit(of: before)
        let going = gathered.count + recent.count
        if going > limit { return "\(going) of \(before) users within a minute, more than \(limit)" }
        return before > 1 && known - gathered.count - held.count <= 0 ? "no user would be left" : nil
    }

    private mutating func endGathering() {
        gathered = [:]
        gatheredSince = nil
        gatheredDoubt = nil
        deadline = nil
    }

    /// The operator's word: these are to be deleted.
    mutating func confirm(_ names: [UserName]) {
        for name in names {
            held[name] = nil
            recent[name] = nil
        }
    }

    // MARK: the users' folder

    /// No user can be seen any more: all known users count as gone.
    mutating func folderGone(_ trouble: String, known: [UserName], now: Instant) {
        doubt = .folderGone(trouble)
        for name in known { deleted(name, .folderGone, now: now) }
    }

    /// The folder is there: users that had gone with it are back, unless they are reported as gone from now on.
    ///
    /// - Returns: the users whose deletion is held back no longer.
    mutating func folderFound(_ identity: FolderIdentity) -> [UserName: Held] {
        doubt = folder == nil || folder == identity ? nil : .folderReplaced
        gathered = gathered.filter { $0.value == .reported }
        // What was reported before the folder went is as good as any other report.
        gatheredDoubt = doubt
        if gathered.isEmpty { endGathering() }
        let back = held.filter { $0.value.origin == .folderGone }
        for name in back.keys {
            held[name] = nil
            recent[name] = nil
        }
        return back
    }

    /// All users have been looked for in this folder: from now on its deletions are like any other.
    ///
    /// - Returns: whether it is another one than before.
    mutating func folderSearched(_ identity: FolderIdentity) -> Bool {
        doubt = nil
        defer { folder = identity }
        return folder != identity
    }
}
