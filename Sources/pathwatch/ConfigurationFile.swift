// The configuration file: whether it may be another one than before.
//
// Watched are its folder and the one in which it really lies: editors rename, and links are turned over. An event only
// says when to look; what is there then is compared by its stamp, and read by master alone.

import Glibc
import Shared
import SharedSystem

final class ConfigurationFile {
    /// From an event that says nothing about the file itself to the look: an editor has finished by then.
    static let settle = Duration.milliseconds(100)
    /// The net under inotify, and the same where watches are lacking.
    static let routine = Duration.seconds(60)
    static let routineUnwatched = Duration.seconds(5)

    let inotify = Inotify()
    private let path: String
    private var watches: Set<Int32> = []
    /// Of what was last reported; nil before the first report, 0 where there is no file.
    private var stamp: UInt64?
    /// When to look again.
    private(set) var next: Instant

    /// - Parameter path: absolute.
    init(_ path: String, now: Instant) {
        self.path = path
        next = now
    }

    /// Notes what the kernel has to say.
    func readEvents(now: Instant) throws {
        let name = path.split(separator: "/").last.map(String.init)
        for _ in 0..<16 {
            let events = try inotify.read()
            guard !events.isEmpty else { return }
            for event in events {
                let isFinished = event.kind == .settled && event.name == name
                next = min(next, isFinished ? now : now + Self.settle)
            }
        }
    }

    /// - Returns: whether it may have changed; at first it may, because pathwatch does not know what master has read.
    func hasChanged(now: Instant) -> Bool {
        guard next <= now else { return false }
        // The watches come first: what changes after them is an event.
        next = now + (watch() ? Self.routine : Self.routineUnwatched)
        var status = Glibc.stat()
        let found = stat(path, &status) == 0 ? UserFolder.identity(status) : 0
        defer { stamp = found }
        return found != stamp
    }

    /// - Returns: whether all of it can be watched.
    private func watch() -> Bool {
        let places = [path, try? FilePath.resolved(path)].compactMap(\.self).map(FilePath.folder)
        let found = places.compactMap { try? inotify.watch($0) }
        for old in watches.subtracting(found) { inotify.remove(old) }
        watches = Set(found)
        return found.count == places.count
    }
}
