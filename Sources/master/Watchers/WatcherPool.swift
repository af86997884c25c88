// The watchers: their processes, and master's ends of their channels.
//
// A channel that takes no more, or carries what is no report, is closed and told of as broken: the Supervisor has its
// watcher ended then. What is said to a watcher that is not there is dropped: it is told everything when it is up.

import CLinux
import Glibc
import Policy
import Shared
import SharedSystem

typealias KeeperLink = TypedLink<FromKeeper, ToKeeper>

/// What the keeper of an earlier master has already.
typealias KeeperKnowledge = (sockets: Set<SocketID>, outputs: Set<WorkerID>)

final class WatcherPool {
    private let poller: Poller<Source>
    /// Folder of the watchers' programs.
    private let programs: String
    private let runtime: String
    private var links = WatcherLinks()
    private var watchers: [WatcherKind: (generation: UInt64, child: Child)] = [:]
    private var keeperKnows: KeeperKnowledge = ([], [])
    private var posted: Set<WatcherKind> = []

    init(_ poller: Poller<Source>, programs: String, runtime: String) {
        (self.poller, self.programs, self.runtime) = (poller, programs, runtime)
    }

    /// Takes over the keeper of an earlier master.
    func adopt(_ inherited: Inheritance) throws -> [Event] {
        guard let keeper = inherited.keeper,
            let child = Child.adopt(keeper.pid, startTime: ProcessFiles.startTime(of: keeper.pid))
        else { return [] }
        keeperKnows = inherited.known
        let generation = keeper.hello.generation
        try take(.keeper, generation, child, keeper.descriptor)
        return [.watcherAdopted(.keeper, generation: generation, pid: keeper.pid)]
    }

    /// The processes that are not orphans.
    var pids: Set<Int32> { Set(watchers.values.map(\.child.pid)) }

    /// Whether it has been told everything: only then a single message makes sense to it.
    func isSynchronised(_ kind: WatcherKind) -> Bool { links[kind]?.isSynchronised == true }

    // MARK: their lives

    func start(_ kind: WatcherKind, _ generation: UInt64) -> [Event] {
        do {
            var ends: [Int32] = [-1, -1]
            try check("socketpair") { clinux_socketpair(&ends) }
            let (own, other) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
            let null = Descriptor(owning: try check("open", "/dev/null") { open("/dev/null", O_RDWR | O_CLOEXEC) })
            let child = try Child.spawn(
                "\(programs)/\(kind)", [], env: environment(generation),
                descriptors: [null.number, null.number, 2, other.number])
            try take(kind, generation, child, own)
            return [.watcherStarted(kind, generation: generation, pid: child.pid)]
        } catch {
            closeLink(kind)
            if let child = watchers.removeValue(forKey: kind)?.child { poller.end(child) }
            return [.watcherExited(kind, generation: generation, why: "\(error)")]
        }
    }

    private func take(_ kind: WatcherKind, _ generation: UInt64, _ child: Child, _ channel: Descriptor) throws {
        watchers[kind] = (generation, child)
        links.open(kind, channel, generation: generation)
        try poller.add(channel.number, .readable, as: .watcher(kind))
        try poller.add(child.pidfd.number, .readable, as: .watcherExit(kind))
    }

    /// HOME for libpq's password file, JOURNAL_STREAM for the form of the log lines; else nothing of master's own.
    private func environment(_ generation: UInt64) -> [String: String] {
        var env = ["PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "STEWARD_WATCHER": String(generation)]
        env["STEWARD_RUNTIME"] = runtime
        for name in ["HOME", "JOURNAL_STREAM"] { env[name] = getenv(name).map { String(cString: $0) } }
        return env
    }

    func kill(_ kind: WatcherKind) {
        watchers[kind]?.child.signal(SIGKILL)
    }

    /// The keeper is told to finish; the others end with their channels.
    func dismiss(_ kind: WatcherKind) -> [Event] {
        guard kind != .keeper else { return tell(kind, links.keeper) { try $0.dismiss() } }
        closeLink(kind)
        return []
    }

    /// How it has ended; nil where it has not.
    func reap(_ kind: WatcherKind) -> Exit? { watchers[kind]?.child.reap() }

    /// Lets go of one that has been reaped.
    func forget(_ kind: WatcherKind, _ exit: Exit) -> [Event] {
        guard let (generation, child) = watchers.removeValue(forKey: kind) else { return [] }
        poller.remove(child.pidfd.number)
        closeLink(kind)
        return [.watcherExited(kind, generation: generation, why: "\(exit)")]
    }

    private func closeLink(_ kind: WatcherKind) {
        guard let link = links[kind] else { return }
        poller.remove(link.descriptor.number)
        links.close(kind)
        if kind == .keeper { keeperKnows = ([], []) }
    }

    // MARK: what they say

    func receive(from kind: WatcherKind, _ readiness: Readiness) -> [Event] {
        guard let link = links[kind] else { return [] }
        var events: [Event] = []
        do {
            if readiness.contains(.writable) { try link.flush() }
            if !readiness.isDisjoint(with: [.readable, .hangup]) {
                let reports = try link.receive()
                guard link.budget.admits(reports.count, .now()) else { throw ReportFlood() }
                events = reports.map { .watcherSaid(kind, generation: link.generation, $0) }
            }
            try watch(link)
        } catch {
            events += broke(kind, link, error)
        }
        return events
    }

    private func broke(_ kind: WatcherKind, _ link: any WatcherLink, _ error: any Error) -> [Event] {
        closeLink(kind)
        return [.watcherBroke(kind, generation: link.generation, why: "\(error)")]
    }

    /// Watches a channel for what it has to be watched for now.
    private func watch(_ link: any WatcherLink) throws {
        guard link.interest != link.watchedFor else { return }
        try poller.change(link.descriptor.number, link.interest)
        link.watchedFor = link.interest
    }

    // MARK: what they are told

    func ping(_ kind: WatcherKind) -> [Event] {
        tell(kind, links[kind]) { try $0.ping() }
    }

    /// Before the keeper is told everything it is told nothing: this, too, comes with everything.
    func tellKeeper(_ message: ToKeeper, with attachment: Descriptor? = nil) -> [Event] {
        guard isSynchronised(.keeper) else { return [] }
        return post(.keeper, links.keeper) { try $0.post(message, with: attachment) }
    }

    func tellDispatch(_ message: ToDispatch) -> [Event] {
        post(.dispatch, links.dispatch) { try $0.post(message) }
    }

    /// Queues what is sent at the end of the turn. A watcher is woken up once a turn: after a crash its work comes after
    /// the start of the successor, and hundreds of crashes cost it few turns of its own.
    private func post<Link>(_ kind: WatcherKind, _ link: Link?, _ body: (Link) throws -> Void) -> [Event] {
        guard let link, let open = links[kind] else { return [] }
        do {
            try body(link)
            posted.insert(kind)
            return []
        } catch {
            return broke(kind, open, error)
        }
    }

    /// Sends what was posted in this turn.
    func endTurn() -> [Event] {
        defer { posted = [] }
        return posted.flatMap { kind in tell(kind, links[kind]) { try $0.flush() } }
    }

    /// Tells the keeper everything.
    ///
    /// - Parameter body: is given what the keeper knows already.
    func brief(_ body: (KeeperLink, KeeperKnowledge) throws -> Void) -> [Event] {
        links.keeper?.isSynchronised = true
        return tell(.keeper, links.keeper) { try body($0, keeperKnows) }
    }

    func brief(_ orders: PathSettings) -> [Event] {
        links.pathwatch?.isSynchronised = true
        return tell(.pathwatch, links.pathwatch) { try $0.send(.settings(orders)) }
    }

    func brief(_ orders: DatabaseCheckSettings, _ databases: [DatabaseSettings]) -> [Event] {
        links.dbwatch?.isSynchronised = true
        return tell(.dbwatch, links.dbwatch) { dbwatch in
            try dbwatch.send(.settings(orders))
            for database in databases { try dbwatch.send(.database(database)) }
            try dbwatch.send(.complete)
        }
    }

    func brief(_ orders: [CheckOrder]) -> [Event] {
        links.dispatch?.isSynchronised = true
        return tell(.dispatch, links.dispatch) { dispatch in
            for order in orders { try dispatch.send(.check(order)) }
        }
    }

    /// Sends to a watcher, if it is there.
    private func tell<Link>(_ kind: WatcherKind, _ link: Link?, _ body: (Link) throws -> Void) -> [Event] {
        guard let link, let open = links[kind] else { return [] }
        do {
            try body(link)
            try watch(open)
            return []
        } catch {
            return broke(kind, open, error)
        }
    }
}
