// The users' folder: events lead to looks, looks to reports.
//
// inotify only says where to look; what is reported is the difference between what is there and what was last reported.
// Where events fail (an overflow, a replaced or unmounted folder) everything is looked at again, and as a net that
// happens every minute anyway, then only at users whose files have another stamp.
//
// While the folder itself is missing, cannot be read, or has been replaced by an empty one, no user is reported as
// gone: the known table stands, and one report and one line in the log say so. Another folder in its place is reported
// before the users that are missing there, and again when all users have been looked for. Nothing here is fatal:
// without inotify, or where it takes no more watches, everything is looked at every few seconds.

import Glibc
import Logging
import Shared
import SharedSystem

final class UsersFolder {
    /// The net under inotify, and the same where watches are lacking.
    static let rescan = Duration.seconds(60)
    static let rescanUnwatched = Duration.seconds(5)
    /// How often a missing folder is looked for.
    static let search = Duration.milliseconds(250)

    private let folder: UserFolder
    private let log: Logger
    private let inotify: Inotify
    private var agenda = Agenda()
    private var table = UserTable()
    private var watches = Watches<UserName>()
    private var stamps: [UserName: UInt64] = [:]
    private var home = Home()
    /// Users that have not been looked at since the start, or since the folder is there; nil once all have been.
    private var awaited: Set<UserName>?
    /// Whether the snapshot has been sent.
    private var isComplete = false
    private var refused = RefusedNames()
    /// Users whose folders could not be watched.
    private var unwatched: Set<UserName> = []
    /// Whether the users' folder itself could not be watched.
    private var isHomeUnwatched = false
    private var hasWarned = false

    /// What the users' folder itself was last found to be.
    private struct Home {
        var watch: Int32 = -1
        /// No folder until the first listing.
        var identity = FolderIdentity()
        /// Why it cannot be used; nil while it can.
        var trouble: String?
    }

    /// Looks at nothing yet: the first `work` begins.
    init(_ settings: PathSettings, _ inotify: Inotify, _ log: Logger, now: Instant) throws {
        guard settings.users.hasPrefix("/") else { throw WireError.invalid("path '\(settings.users)'") }
        folder = UserFolder(
            users: settings.users, databases: settings.databases, ownership: Ownership(runAs: settings.runAs))
        self.inotify = inotify
        self.log = log
        awaited = []
        agenda.noteEverything(at: now)
    }

    /// When there is something to do again.
    var next: Instant? { agenda.next }

    // MARK: events

    /// Notes what the kernel has to say: at most about its whole queue, so that no storm holds up the loop.
    func readEvents(now: Instant) throws {
        for _ in 0..<16 {
            let events = try inotify.read()
            guard !events.isEmpty else { return }
            for event in events { note(event, now) }
        }
    }

    private func note(_ event: FolderEvent, _ now: Instant) {
        if event.kind == .overflow {
            log.notice("events were lost: everything is looked at again")
            agenda.noteEverything(at: now)
        } else if event.watch == home.watch {
            noteHome(event, now)
        } else if event.kind == .ended {
            for user in watches.forget(event.watch) { agenda.note(user, .changed, now: now) }
        } else {
            for user in watches[event.watch] { note(event, of: user, now) }
        }
    }

    private func noteHome(_ event: FolderEvent, _ now: Instant) {
        guard let name = event.name else {
            if event.kind == .ended { home.watch = -1 }
            agenda.noteEverything(at: now)
            return
        }
        if let user = UserName(name) {
            agenda.note(user, .changed, now: now)
        } else if event.isFolder {
            refuse(name)
        }
    }

    private func note(_ event: FolderEvent, of user: UserName, _ now: Instant) {
        switch (event.name, event.kind) {
        case (nil, _): agenda.note(user, .changed, now: now)
        case (UserFolder.settingsName, .created): agenda.noteCreation(user, now: now)
        case (UserFolder.settingsName, .settled): agenda.note(user, .settled, now: now)
        case (UserFolder.settingsName, .changed), (UserFolder.startName, .settled), (UserFolder.startName, .changed):
            agenda.note(user, .changed, now: now)
        case (UserFolder.startName, .created): agenda.noteCreation(user, now: now)
        case (_, .created), (_, .settled), (_, .changed), (_, .ended), (_, .overflow): break
        }
    }

    // MARK: looks

    /// Looks at what is due, at most so many users, and answers what has to be reported.
    func work(now: Instant, atMost most: Int = 64) -> [FromPathwatch] {
        var reports: [FromPathwatch] = []
        for _ in 0..<most {
            guard let task = agenda.popDue(now) else { break }
            switch task {
            case .everything: reports += scan(now)
            case .user(let user, let hint): reports += look(at: user, hint, now)
            }
        }
        return reports + completion()
    }

    private func completion() -> [FromPathwatch] {
        guard home.trouble == nil, home.identity != FolderIdentity(), awaited?.isEmpty == true else { return [] }
        awaited = nil
        defer { isComplete = true }
        return (isComplete ? [] : [.complete]) + [.folder(FolderReport(home.identity, isSearched: true))]
    }

    private func look(at user: UserName, _ hint: Hint, _ now: Instant) -> [FromPathwatch] {
        // The watch comes first: what changes after it is an event, what changed before it is seen.
        watch(user, now)
        if hint == .routine, let stamp = stamps[user], stamp == folder.stamp(of: user) {
            awaited?.remove(user)
            return []
        }
        let look = folder.look(at: user)
        guard !isDoubtful(look, user, hint) || !agenda.doubts(user, now: now) else { return [] }
        if look.finding == .absent, table.knows(user), !isHomeThere() {
            if home.trouble == nil { agenda.noteEverything(at: now) }
            return []
        }
        agenda.believe(user)
        stamps[user] = look.stamp
        awaited?.remove(user)
        return table.found(look.finding, of: user)
    }

    private func isDoubtful(_ look: UserFolder.Look, _ user: UserName, _ hint: Hint) -> Bool {
        look.finding == .absent ? table.knows(user) : look.isFresh && hint < .settled
    }

    private func watch(_ user: UserName, _ now: Instant) {
        var number: Int32?
        unwatched.remove(user)
        do {
            number = try inotify.watch(folder.path(of: user))
        } catch {
            // What is no folder is no user. Any other error leaves the user to the rescan.
            let code = (error as? SystemError)?.code
            if code != ENOENT && code != ENOTDIR {
                lackWatch(error, now)
                unwatched.insert(user)
            }
        }
        if let unused = watches.set(user, to: number), unused != home.watch { inotify.remove(unused) }
    }

    /// How long until everything is looked at again by itself.
    private var rescanPeriod: Duration {
        unwatched.isEmpty && !isHomeUnwatched ? Self.rescan : Self.rescanUnwatched
    }

    private func lackWatch(_ error: any Error, _ now: Instant) {
        guard rescanPeriod == Self.rescan else { return }
        agenda.noteEverything(at: now + Self.rescanUnwatched)
        guard !hasWarned else { return }
        hasWarned = true
        let hint =
            switch (error as? SystemError)?.code {
            case ENOSPC: " (raise fs.inotify.max_user_watches)"
            case EMFILE: " (raise fs.inotify.max_user_instances)"
            case _: ""
            }
        log.warning("\(error)\(hint): changes are seen within \(Self.rescanUnwatched.components.seconds) s only")
    }

    // MARK: the folder as a whole

    /// Watches and lists the folder, notes all users that are or were there, and answers what is new about the folder.
    private func scan(_ now: Instant) -> [FromPathwatch] {
        let before = home
        do {
            let names = try list(now)
            if let trouble = home.trouble { log.notice("\(folder.users) is there again (\(trouble))") }
            home.trouble = nil
            let isNew = before.trouble != nil || before.identity != home.identity
            if isNew { awaited = [] }
            note(names, now)
            agenda.noteEverything(at: now + rescanPeriod)
            return isNew ? [.folder(FolderReport(home.identity, isSearched: false))] : []
        } catch {
            let text = "\(error)"
            home.trouble = text
            agenda.noteEverything(at: now + Self.search)
            guard before.trouble == nil else { return [] }
            log.error("\(text): the users stay as they are known until the folder is back")
            return [.folder(FolderReport(trouble: text))]
        }
    }

    private static let shortages = [ENOSPC, ENOMEM, EMFILE, ENFILE]

    private func watchHome(_ now: Instant) throws {
        var number: Int32 = -1
        do {
            number = try inotify.watch(folder.users)
            isHomeUnwatched = false
        } catch let error as SystemError where Self.shortages.contains(error.code) {
            lackWatch(error, now)
            isHomeUnwatched = true
        }
        guard number != home.watch else { return }
        // A stale number may have become a user's by a rename; then it is no longer the home's to remove.
        if home.watch >= 0 && watches[home.watch].isEmpty { inotify.remove(home.watch) }
        home.watch = number
    }

    private func list(_ now: Instant) throws -> [String] {
        try watchHome(now)
        let identity = try FolderIdentity(folder.users)
        let names = try FolderListing.names(folder.users)
        if identity != home.identity, !table.isEmpty, !names.contains(where: { UserName($0) != nil }) {
            throw EmptyReplacement(path: folder.users)
        }
        home.identity = identity
        return names
    }

    private func note(_ names: [String], _ now: Instant) {
        let users = Set(names.compactMap { UserName($0) })
        refused.keep(names)
        for name in names where UserName(name) == nil && FolderListing.isFolder("\(folder.users)/\(name)") {
            refuse(name)
        }
        if awaited != nil { awaited = users.union(table.names) }
        for user in users.sorted() { agenda.note(user, .routine, now: now) }
        for user in Set(table.names).union(watches.names).subtracting(users) {
            agenda.note(user, .changed, now: now)
        }
    }

    private func isHomeThere() -> Bool {
        home.trouble == nil && (try? FolderIdentity(folder.users)) == home.identity
    }

    private func refuse(_ name: String) {
        guard refused.insert(name) else { return }
        log.warning("\(folder.users): folder '\(name)' is ignored: a user's name is \(UserName.rule)")
    }
}

/// The users' folder is another one than before, and empty: an unmounted file system looks like that.
private struct EmptyReplacement: Error, CustomStringConvertible {
    let path: String
    var description: String { "\(path) has been replaced by an empty folder" }
}
