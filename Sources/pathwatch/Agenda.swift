// What to look at, and when. No I/O.
//
// Events only say where to look, so many of them about one user become one look. When that look is due depends on how
// sure the answer can be:
//
// - A file that was closed after writing, or moved to its place, is finished: look at once, believe what is there.
// - A file that was just created is about to be written: look when it is closed, or `settle` later where that never
//   comes (a link is created finished).
// - Anything else: look at once, but a doubtful answer has to stand for `settle` before it is believed. Doubtful are a
//   user that is gone (editors move the old file away before they write the new one, and a folder is replaced by two
//   renames) and an empty or faulty file that is younger than `settle` (truncated, and not yet written).
//
// So no user is restarted with the defaults because an editor was seen between two system calls, and no stream of
// events can put a look off for longer than `settle`.

import Shared

/// How much is known about a user's files before they are looked at; later cases outrank earlier ones.
enum Hint: Comparable {
    /// Nothing: the full rescan asks.
    case routine
    /// Something happened.
    case changed
    /// The file is complete.
    case settled
}

struct Agenda {
    enum Task: Equatable {
        /// The users' folder as a whole.
        case everything
        case user(UserName, Hint)
    }

    private enum Key: Hashable {
        case everything
        case user(UserName)
    }

    private struct Note {
        var at: Instant
        var hint: Hint
    }

    /// How long a doubtful answer has to stand.
    static let settle = Duration.milliseconds(100)

    private var timers = Timers<Key>()
    private var notes: [UserName: Note] = [:]
    /// Since when a user's answer has been doubtful.
    private var doubts: [UserName: Instant] = [:]

    /// The earliest deadline.
    var next: Instant? {
        mutating get { timers.next }
    }

    mutating func noteEverything(at instant: Instant) {
        timers.set(.everything, at: instant)
    }

    /// Look at this user now.
    mutating func note(_ user: UserName, _ hint: Hint, now: Instant) {
        let earlier = notes[user].flatMap { $0.at <= now ? $0 : nil }
        set(user, Note(at: earlier?.at ?? now, hint: max(earlier?.hint ?? .routine, hint)))
    }

    /// A file of this user is about to be written.
    mutating func noteCreation(_ user: UserName, now: Instant) {
        guard notes[user] == nil else { return }
        set(user, Note(at: now + Self.settle, hint: .changed))
    }

    /// The next thing that is due.
    mutating func popDue(_ now: Instant) -> Task? {
        guard let key = timers.popDue(now) else { return nil }
        switch key {
        case .everything: return .everything
        case .user(let user): return .user(user, notes.removeValue(forKey: user)?.hint ?? .changed)
        }
    }

    /// Whether a doubtful answer has not stood long enough; the user comes up again when it has.
    mutating func doubts(_ user: UserName, now: Instant) -> Bool {
        let since = doubts[user] ?? now
        guard now < since + Self.settle else { return false }
        doubts[user] = since
        if notes[user] == nil { set(user, Note(at: since + Self.settle, hint: .changed)) }
        return true
    }

    /// An answer was believed.
    mutating func believe(_ user: UserName) {
        doubts[user] = nil
    }

    private mutating func set(_ user: UserName, _ note: Note) {
        if notes[user]?.at != note.at { timers.set(.user(user), at: note.at) }
        notes[user] = note
    }
}
