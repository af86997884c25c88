// The loop of master: wait, decode, step, perform.

import DequeModule
import Glibc
import Logging
import Policy
import Shared
import SharedSystem

/// What a descriptor of master is.
enum Source {
    case signals
    case notify
    case control
    case client
    case watcher(WatcherKind)
    case watcherExit(WatcherKind)
    case workerExit(WorkerID)
    case execution(WorkerID)
    case launch
    case launchExit
    /// The socket of a queued user.
    case awaited(SocketID)
}

/// A socket that the keeper was told to empty and close.
struct RetiredSocket {
    let socket: StandIn
    let descriptor: Descriptor
    /// The keeper's answers to pings since.
    var pongs = 0
}

/// How master ends.
enum Ending {
    /// Everything has ended before it.
    case stopped
    /// Keeper and workers go on, for the next master.
    case left
    /// As `left`; the next one is what lies in the place of this program now.
    case replaced
}

/// The edge around the Supervisor. Everything that it owns is here; every decision is the Supervisor's.
final class Loop {
    let log = Logger.steward("master")
    let poller: Poller<Source>
    let runtime: Runtime
    let signals: Signals
    let notify: NotifySocket
    let control: ControlServer
    let sockets: UserSockets
    /// Who has started master, where it wants to hear of it.
    let manager: ServiceManager?
    let program: OwnProgram
    /// Absolute path of the configuration file.
    let file: String
    /// The file is to be read again at the end of this turn.
    var isReloadDue = false
    let startedAt = wallClock()
    var supervisor: Supervisor
    var journal: Journal
    var links = WatcherLinks()
    var watchers: [WatcherKind: (generation: UInt64, child: Child)] = [:]
    let launcher: Launcher
    var workers: [WorkerID: WorkerChild] = [:]
    /// Workers by the leader of their session.
    var leaders: [Int32: WorkerID] = [:]
    var retired: [RetiredSocket] = []
    /// Where a child of master may have come or gone that it has not started.
    var sweepDue: Orphans.Scope? = .everybody
    /// Workers that have ended in this turn.
    private var ended: [(id: WorkerID, exit: Exit)] = []
    var strangers: Set<Int32> = []
    var shortages = Shortages()
    let state: StateFile
    /// What the keeper of an earlier master has already.
    var keeperKnows: (sockets: Set<SocketID>, outputs: Set<WorkerID>) = ([], [])
    /// How master ends; nil while it runs.
    var ending: Ending?

    init(
        _ runtime: Runtime, file: String, inherited: Inheritance, signals: Signals, program: OwnProgram,
        groups: Groups
    ) throws {
        let configuration = runtime.configuration
        self.runtime = runtime
        self.file = file
        self.signals = signals
        self.program = program
        poller = try Poller()
        launcher = Launcher(path: "\(program.folder)/launch", runtime: configuration.runtime)
        notify = try NotifySocket(runtime: configuration.runtime, inherited: inherited.notify)
        control = try ControlServer(
            runtime: configuration.runtime, group: groups.control, operators: groups.operators)
        sockets = UserSockets(
            runtime: configuration.runtime, mode: configuration.socketMode, group: groups.sockets)
        journal = Journal(after: JournalArchive.read(configuration.journal, log))
        manager = try ServiceManager.fromEnvironment()
        supervisor = Supervisor(
            configuration, processors: sysconf(Int32(_SC_NPROCESSORS_ONLN)), holds: runtime.holds(),
            remains: inherited.remains, versions: runtime.versions(log),
            upgrade: runtime.upgrade(log), kept: runtime.deletions(log),
            drained: runtime.drained(), seed: UInt64(bitPattern: wallClock()))
        state = try runtime.stateFile(inherited.remains.values.map(\.record))
        try poller.add(signals.descriptor.number, .readable, as: .signals)
        try poller.add(notify.descriptor.number, .readable, as: .notify)
        try poller.add(control.listener.number, .readable, as: .control)
        try take(inherited)
    }

    /// Takes over what an earlier master has left.
    private func take(_ inherited: Inheritance) throws {
        sockets.adopt(inherited.sockets)
        retired = inherited.retiring.map { RetiredSocket(socket: $0.socket, descriptor: $0.descriptor) }
        for (id, worker) in inherited.workers {
            workers[id] = worker
            leaders[worker.child.pid] = id
            try poller.add(worker.child.pidfd.number, .readable, as: .workerExit(id))
        }
        guard let keeper = inherited.keeper,
            let child = Child.adopt(keeper.pid, startTime: ProcessFiles.startTime(of: keeper.pid))
        else { return }
        let generation = keeper.hello.generation
        keeperKnows = inherited.known
        watchers[.keeper] = (generation, child)
        links.open(.keeper, keeper.descriptor, generation: generation)
        try poller.add(keeper.descriptor.number, .readable, as: .watcher(.keeper))
        try poller.add(child.pidfd.number, .readable, as: .watcherExit(.keeper))
        feed(.watcherAdopted(.keeper, generation: generation, pid: keeper.pid))
    }

    func run() throws -> Ending {
        startLaunch()
        feed(.boot)
        manager?.isReady()
        while true {
            if let ending { return ending }
            manager?.tell(supervisor, journal: journal.serial)
            let deadline = [supervisor.deadline, launcher.deadline, manager?.deadline].compactMap(\.self).min()
            for ready in try poller.wait(until: deadline) where poller.knows(ready.fd) {
                do { try decode(ready.source, ready.fd, ready.readiness) } catch { log.error("\(error)") }
            }
            if let scope = sweepDue { sweepOrphans(scope) }
            for (id, exit) in ended { feed(.exited(id, exit)) }
            ended = []
            tendLaunch()
            if isReloadDue { reload(isConfirmed: false) }
            feed(.tick)
        }
    }

    /// Steps the Supervisor with an event and with what comes of performing its effects.
    func feed(_ event: Event) {
        var events: Deque = [event]
        while let event = events.popFirst() {
            for effect in supervisor.step(event, now: .now()) { events.append(contentsOf: perform(effect)) }
        }
    }

    private func decode(_ source: Source, _ fd: Int32, _ readiness: Readiness) throws {
        switch source {
        case .signals: try readSignals()
        case .notify: try readNotifications()
        case .control: try acceptClient()
        case .client: try serveClient(fd, readiness)
        case .watcher(let kind): readWatcher(kind, readiness)
        case .watcherExit(let kind): reapWatcher(kind)
        case .workerExit(let id): reapWorker(id)
        case .execution(let id): readExecution(id)
        case .launch: try readLaunch(readiness)
        case .launchExit: try reapLaunch()
        case .awaited(let socket):
            poller.remove(fd)
            feed(.awaited(socket))
        }
    }

    // MARK: from the kernel to an event

    private func readSignals() throws {
        while let number = try signals.next() {
            switch number {
            case SIGCHLD: sweepDue = sweepDue ?? .orphans
            case SIGUSR2: ending = ending ?? .left
            case SIGHUP:
                isReloadDue = true
                manager?.reloads()
            default: feed(.stop)
            }
        }
    }

    private func readNotifications() throws {
        // Bounded: a flood of them must not keep master from its other work.
        for _ in 0..<64 {
            guard let (leader, notifications) = try notify.next() else { return }
            guard let id = leaders[leader] else {
                if strangers.count < 1000, strangers.insert(leader).inserted {
                    log.warning("notification from process \(leader), which is no worker: ignored")
                }
                continue
            }
            for notification in notifications { feed(.notified(id, notification)) }
        }
    }

    private func readWatcher(_ kind: WatcherKind, _ readiness: Readiness) {
        guard let link = links[kind] else { return }
        do {
            if readiness.contains(.writable) { try link.flush() }
            if !readiness.isDisjoint(with: [.readable, .hangup]) {
                let reports = try link.receive()
                guard link.budget.admits(reports.count, .now()) else { throw ReportFlood() }
                for report in reports {
                    if kind == .keeper { keeperSaid(report) }
                    if kind == .pathwatch { pathwatchSaid(report) }
                    feed(.watcherSaid(kind, generation: link.generation, report))
                }
            }
            if links[kind] === link { try watch(link) }
        } catch {
            closeLink(kind)
            feed(.watcherBroke(kind, generation: link.generation, why: "\(error)"))
        }
    }

    private func reapWatcher(_ kind: WatcherKind) {
        guard let (generation, child) = watchers[kind], let exit = child.reap() else { return }
        // What it said before its end still counts.
        readWatcher(kind, .readable)
        poller.remove(child.pidfd.number)
        watchers[kind] = nil
        closeLink(kind)
        feed(.watcherExited(kind, generation: generation, why: "\(exit)"))
    }

    private func reapWorker(_ id: WorkerID) {
        guard let worker = workers[id] else { return }
        readExecution(id)
        guard let exit = worker.child.reap() else { return }
        poller.remove(worker.child.pidfd.number)
        leaders[worker.child.pid] = nil
        workers[id] = nil
        // What it has left outside its group is killed before its successor starts, or it would go on accepting beside
        // it: so the Supervisor is told at the end of the turn, after one look for all that have ended.
        sweepDue = sweepDue ?? .orphans
        ended.append((id, exit))
    }

    private func readExecution(_ id: WorkerID) {
        guard let worker = workers[id], let execution = worker.execution else { return }
        let failure = worker.executionFailure()
        poller.remove(execution.number)
        worker.execution = nil
        feed(failure.map { .executionFailed(id, why: $0) } ?? .executed(id))
    }
}
