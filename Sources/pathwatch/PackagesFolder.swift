// The packages' folder: events lead to looks, looks to reports.
//
// As for users, inotify only says where to look, and what is reported is the difference. A version that is moved to its
// place is complete, and looked at at once; anything else has `settle` to become so. While the folder cannot be read,
// no version is reported as gone.

import Glibc
import Logging
import Shared
import SharedSystem

final class PackagesFolder {
    private enum Task: Hashable {
        case everything
        case version(String)
        case current
    }

    /// From the first event to the look: a link is turned over, a package.yaml written.
    static let settle = Duration.milliseconds(100)

    let inotify = Inotify()
    /// As configured, and without symbolic links.
    private let path: String
    private var place: String
    private let ownership: Ownership
    private let log: Logger
    private var timers = Timers<Task>()
    private var reports = PackageReports()
    private var watches = Watches<String>()
    private var home: Int32 = -1
    private var isWatched = true
    private var refused = RefusedNames()

    /// Looks at nothing yet: the first `work` looks at everything.
    ///
    /// - Parameter path: absolute.
    init(_ path: String, _ ownership: Ownership, _ log: Logger, now: Instant) {
        (self.path, place) = (path, path)
        self.ownership = ownership
        self.log = log
        timers.set(.everything, at: now)
    }

    /// When there is something to do again.
    var next: Instant? { timers.next }

    // MARK: events

    func readEvents(now: Instant) throws {
        for _ in 0..<16 {
            let events = try inotify.read()
            guard !events.isEmpty else { return }
            for event in events { note(event, now) }
        }
    }

    private func note(_ event: FolderEvent, _ now: Instant) {
        if event.kind == .overflow {
            timers.set(.everything, at: now)
        } else if event.watch == home {
            noteHome(event, now)
        } else {
            let versions = event.kind == .ended ? watches.forget(event.watch) : watches[event.watch]
            guard event.name == nil || event.name == PackageManifest.fileName else { return }
            for version in versions { look(at: .version(version), now) }
        }
    }

    private func noteHome(_ event: FolderEvent, _ now: Instant) {
        guard let name = event.name else {
            if event.kind == .ended { home = -1 }
            return timers.set(.everything, at: now)
        }
        if name == PackageVersion.current {
            look(at: .current, now)
        } else if PackageVersion.isValid(name) {
            look(at: .version(name), now, isComplete: event.kind == .settled && event.isFolder)
        } else if event.isFolder {
            refuse(name)
        }
    }

    /// The first event of a row counts, so that no stream of them can put the look off.
    private func look(at task: Task, _ now: Instant, isComplete: Bool = false) {
        if isComplete {
            timers.set(task, at: now)
        } else if !timers.isSet(task) {
            timers.set(task, at: now + Self.settle)
        }
    }

    // MARK: looks

    /// Looks at what is due, and answers what has to be reported.
    func work(now: Instant) -> [FromPathwatch] {
        var found: [FromPathwatch] = []
        while let task = timers.popDue(now) {
            switch task {
            case .everything: found += scan(now)
            case .version(let version): found += look(at: version)
            case .current: found += reports.found(current())
            }
        }
        return found
    }

    private func scan(_ now: Instant) -> [FromPathwatch] {
        do {
            place = try FilePath.resolved(path)
            isWatched = true
            try watchHome()
            let names = try FolderListing.names(path)
            let versions = Set(names.filter(PackageVersion.isValid))
            refused.keep(names)
            for name in names where !versions.contains(name) && name != PackageVersion.current {
                if FolderListing.isFolder("\(path)/\(name)") { refuse(name) }
            }
            let found = versions.union(reports.names).sorted().flatMap(look)
            timers.set(.everything, at: now + (isWatched ? UsersFolder.rescan : UsersFolder.rescanUnwatched))
            return found + reports.found(current())
        } catch {
            timers.set(.everything, at: now + UsersFolder.search)
            let found = reports.found(trouble: "\(error)")
            if !found.isEmpty { log.error("\(error): the versions stay as they are known until the folder is back") }
            return found
        }
    }

    private func watchHome() throws {
        do {
            let number = try inotify.watch(path)
            if home >= 0, home != number { inotify.remove(home) }
            home = number
        } catch let error as SystemError where error.code != ENOENT && error.code != ENOTDIR {
            isWatched = false
        }
    }

    private func look(at version: String) -> [FromPathwatch] {
        // The watch comes first: what changes after it is an event.
        let number = try? inotify.watch("\(path)/\(version)")
        if let unused = watches.set(version, to: number), unused != home { inotify.remove(unused) }
        let finding = PackageFolder.look(at: "\(place)/\(version)", ownership)
        if number == nil, finding != .absent { isWatched = false }
        if finding == .absent, !isThere() { return [] }
        return reports.found(finding, of: version)
    }

    /// Whether a version that is not found is gone, and not the folder.
    private func isThere() -> Bool {
        if FolderListing.isFolder(path) { return true }
        timers.set(.everything, at: .now())
        return false
    }

    private func current() -> CurrentPackage {
        let link = "\(path)/\(PackageVersion.current)"
        let target: String
        do {
            target = try FilePath.target(ofLink: link)
        } catch let error as SystemError where error.code == ENOENT {
            return CurrentPackage(version: nil)
        } catch let error as SystemError where error.code == EINVAL {
            return CurrentPackage(version: nil, fault: "\(link): is no symbolic link, expected one to a version")
        } catch {
            return CurrentPackage(version: nil, fault: "\(error)")
        }
        let resolved = FilePath.absolute(target, from: path)
        let name = resolved.split(separator: "/").last.map(String.init) ?? ""
        guard PackageVersion.isValid(name), ["\(path)/\(name)", "\(place)/\(name)"].contains(resolved) else {
            let fault = "\(link): leads to \(target.prefix(200).debugDescription), expected a version in \(path)"
            return CurrentPackage(version: nil, fault: fault)
        }
        return CurrentPackage(version: name)
    }

    private func refuse(_ name: String) {
        guard refused.insert(name) else { return }
        log.warning("\(path): folder '\(name)' is ignored: a version's name is \(PackageVersion.rule)")
    }
}
