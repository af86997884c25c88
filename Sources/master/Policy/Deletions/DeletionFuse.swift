// Which deletions are carried out, and which wait for the operator's word.
//
// A folder that is gone may be a customer who left, or a wrong `rm`, an unmounted disk, a half-done copy. One of the
// first is common, many at once are nearly always the second. So deletions are gathered until no more come, and judged
// together with those of the last minute: what is too much, or comes with another users' folder, is held back whole. Who
// comes back is taken off the list, and counts no longer.

import Shared

struct DeletionFuse: Equatable, Sendable {
    /// A deletion waits so long for further ones, and no longer than `longest` in all.
    static let quiet = Duration.milliseconds(300)
    static let longest = Duration.seconds(2)
    /// Deletions of this time are judged together.
    static let window = Duration.seconds(60)

    /// How a user went.
    enum Origin: Equatable, Sendable {
        /// pathwatch has reported it.
        case reported
        /// Nobody can be seen at the moment: it ends with the folder's return.
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
    /// The users' folder in which everybody has been looked for.
    private(set) var folder: FolderIdentity?
    private var gathered: [UserName: Origin] = [:]
    private var gatheredSince: Instant?
    /// The first doubt under which one of them came.
    private var gatheredDoubt: Doubt?
    private var doubt: Doubt?
    /// Who was judged when, of the last `window`.
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

    // MARK: who goes, and who comes back

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
        let limit = max(settings.users, Int(settings.share * Double(before)))
        let going = gathered.count + recent.count
        if going > limit { return "\(going) of \(before) users within a minute, more than \(limit)" }
        return before > 1 && known - gathered.count - held.count <= 0 ? "nobody would be left" : nil
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

    /// Nobody can be seen any more: everybody who is known is as good as gone.
    mutating func folderGone(_ trouble: String, known: [UserName], now: Instant) {
        doubt = .folderGone(trouble)
        for name in known { deleted(name, .folderGone, now: now) }
    }

    /// The folder is there: who had gone with it is back, unless it is reported to be gone from now on.
    ///
    /// - Returns: whose deletion is held back no longer.
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

    /// Everybody has been looked for in this folder: from now on its deletions are like any other.
    ///
    /// - Returns: whether it is another one than before.
    mutating func folderSearched(_ identity: FolderIdentity) -> Bool {
        doubt = nil
        defer { folder = identity }
        return folder != identity
    }
}
