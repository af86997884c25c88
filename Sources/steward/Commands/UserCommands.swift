// The commands that change something for some users, or end everything.

import ArgumentParser
import Glibc
import Shared

/// Waits until a change has taken effect.
private struct Completion {
    let place: Place
    let users: [UserName]

    /// Looks every 50 ms, as long as it takes.
    ///
    /// - Parameter isDone: throws where that will never be so.
    func wait(_ isDone: (UserStatus) throws -> Bool) throws {
        var open = users
        while !open.isEmpty {
            let snapshot = try Snapshot.of(place.connect())
            open = try open.filter { try !isDone(try snapshot.user($0)) }
            if !open.isEmpty { usleep(50_000) }
        }
    }

    static func isUp(_ status: UserStatus) throws -> Bool {
        switch status.state {
        case "ready": return true
        case "crash-looping", "waiting", "disabled":
            throw Failure("\(status.name) is \(status.state): \(status.reason ?? "no reason known")", code: 1)
        default: return false
        }
    }
}

struct Restart: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Replace the workers of these users.")

    @OptionGroup var place: Place
    @Argument var users: [UserName]
    @Flag(help: "Return when the new ones are ready.") var wait = false

    func run() throws {
        let before = try Snapshot.of(place.connect())
        try place.connect().ask(.restart(UsersRequest(users)))
        guard wait else { return }
        try Completion(place: place, users: users).wait { status in
            let old = try before.user(status.name)
            if status.state == "ready", let reason = status.reason, reason != old.reason {
                throw Failure("\(status.name): \(reason)", code: 1)
            }
            return try Completion.isUp(status) && status.generation != old.generation
        }
    }
}

struct Hold: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop the workers of these users; the stand-in answers until release.")

    @OptionGroup var place: Place
    @Argument var users: [UserName]
    @Option(help: "Shown in status.") var reason: String?
    @Flag(help: "Return when they have stopped.") var wait = false

    func run() throws {
        try place.connect().ask(.hold(UsersRequest(users, reason: reason)))
        guard wait else { return }
        try Completion(place: place, users: users).wait { $0.state == "held" && $0.pid == nil }
    }
}

struct Release: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "End a hold.")

    @OptionGroup var place: Place
    @Argument var users: [UserName]
    @Flag(help: "Return when the workers are ready.") var wait = false

    func run() throws {
        try place.connect().ask(.release(UsersRequest(users)))
        guard wait else { return }
        try Completion(place: place, users: users).wait(Completion.isUp)
    }
}

struct ConfirmDelete: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Carry out deletions that are held back: of these users, or all.")

    @OptionGroup var place: Place
    @Argument var users: [UserName] = []
    @Flag(help: "Return when the workers have ended.") var wait = false

    func run() throws {
        let before = try Snapshot.of(place.connect())
        let pending = users.isEmpty ? before.pendingDeletions.map(\.name) : users
        try place.connect().ask(.confirmDelete(UsersRequest(users)))
        guard wait else { return }
        // A deleted user is shown no longer, though its worker still drains.
        for pid in before.users.filter({ pending.contains($0.name) }).compactMap(\.pid) {
            while access("/proc/\(pid)", F_OK) == 0 { usleep(50_000) }
        }
    }
}

struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "End every worker, every watcher and master.")

    @OptionGroup var place: Place
    @Flag(help: "Return when master has ended.") var wait = false

    func run() throws {
        let connection = try place.connect()
        try connection.ask(.stop)
        if wait { connection.awaitEnd() }
    }
}
