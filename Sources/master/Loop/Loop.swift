// The loop of master: wait, decode, step, perform.
//
// Every decision is the Supervisor's. What there is around it belongs to five parts, each with a state of its own:
// Workforce, Doors, WatcherPool, Ledger and Desk.

import Glibc
import Logging
import Policy
import Shared
import SharedSystem

/// How master ends.
enum Ending {
    /// Everything has ended before it.
    case stopped
    /// Keeper and workers go on, for the next master.
    case left
    /// As `left`; the next one is what lies in the place of this program now.
    case replaced
}

final class Loop {
    let log = Logger.steward("master")
    let workforce: Workforce
    let doors: Doors
    let watchers: WatcherPool
    let ledger: Ledger
    let desk: Desk
    let program: OwnProgram
    /// How master ends; nil while it runs.
    var ending: Ending?
    private(set) var supervisor: Supervisor
    private(set) var settings: SettingsFile
    private let poller: Poller<Source>
    private let signals: Signals
    /// What has started master, where it wants to hear of it.
    private let manager: ServiceManager?

    init(
        _ runtime: Runtime, file: String, inherited: Inheritance, signals: Signals, program: OwnProgram,
        groups: Groups
    ) throws {
        let configuration = runtime.configuration
        settings = SettingsFile(path: file)
        (self.signals, self.program) = (signals, program)
        // Few at a time: when hundreds of workers end at once, the first successors are started meanwhile.
        poller = try Poller(batch: 32)
        watchers = WatcherPool(poller, programs: program.folder, runtime: configuration.runtime)
        doors = Doors(
            poller, watchers,
            UserSockets(runtime: configuration.runtime, mode: configuration.socketMode, group: groups.sockets))
        workforce = try Workforce(
            poller, watchers, Launcher(path: "\(program.folder)/launch", runtime: configuration.runtime),
            try NotifySocket(runtime: configuration.runtime, inherited: inherited.notify))
        ledger = Ledger(
            try runtime.stateFile(inherited.remains.values.map(\.record)), folder: configuration.state,
            Journal(after: JournalArchive.read(configuration.journal, log)))
        desk = Desk(
            poller,
            try ControlServer(
                runtime: configuration.runtime, group: groups.control, operators: groups.operators))
        manager = try ServiceManager.fromEnvironment()
        supervisor = Supervisor(
            configuration, processors: sysconf(Int32(_SC_NPROCESSORS_ONLN)), holds: ledger.holds(),
            remains: inherited.remains, versions: ledger.versions(), upgrade: ledger.upgrade(),
            kept: ledger.deletions(), drained: ledger.drained(), seed: UInt64(bitPattern: wallClock()))
        try poller.add(signals.descriptor.number, .readable, as: .signals)
        try workforce.open(inherited.workers)
        try desk.open()
        doors.adopt(inherited)
        feed(try watchers.adopt(inherited))
    }

    func run() throws -> Ending {
        feed(workforce.startLaunch())
        feed(.boot)
        manager?.isReady()
        while true {
            sendWhatWasPosted()
            if let ending { return ending }
            manager?.tell(supervisor, journal: ledger.journal.serial)
            let deadline = [supervisor.deadline, workforce.deadline, manager?.deadline].compactMap(\.self).min()
            for ready in try poller.wait(until: deadline) where poller.knows(ready.fd) {
                do { try decode(ready.source, ready.fd, ready.readiness) } catch { log.error("\(error)") }
            }
            feed(workforce.hearLaunch())
            feed(workforce.endTurn(besides: watchers.pids))
            workforce.release()
            feed(workforce.tendLaunch())
            if settings.isDue { reload(isConfirmed: false) }
            feed(.tick)
        }
    }

    /// A watcher that cannot be told may lead to news for another one.
    private func sendWhatWasPosted() {
        var events = watchers.endTurn()
        while !events.isEmpty {
            feed(events)
            events = watchers.endTurn()
        }
    }

    private func decode(_ source: Source, _ fd: Int32, _ readiness: Readiness) throws {
        switch source {
        case .signals: try readSignals()
        case .notify: feed(workforce.hear())
        case .control: try desk.accept()
        case .client: desk.serve(fd, readiness, self)
        case .watcher(let kind): hear(watchers.receive(from: kind, readiness))
        case .watcherExit(let kind): watcherEnded(kind)
        case .workerExit(let id): workforce.reap(id)
        case .launch: feed(workforce.readLaunch(readiness))
        case .launchExit: launchEnded()
        case .awaited(let socket): feed(doors.awaited(socket, fd))
        }
    }

    /// Steps the Supervisor with an event and with what comes of performing its effects.
    func feed(_ event: Event) {
        var events = answer(event)
        while !events.isEmpty { events = events.flatMap(answer) }
    }

    private func answer(_ event: Event) -> [Event] {
        supervisor.step(event, now: .now()).flatMap(perform)
    }

    private func feed(_ events: [Event]) {
        for event in events { feed(event) }
    }

    // MARK: from the kernel to events

    private func readSignals() throws {
        while let number = try signals.next() {
            switch number {
            case SIGCHLD: workforce.childHasEnded()
            case SIGUSR2: ending = ending ?? .left
            case SIGHUP:
                settings.mayHaveChanged()
                manager?.reloads()
            default: feed(.stop)
            }
        }
    }

    private func watcherEnded(_ kind: WatcherKind) {
        guard let exit = watchers.reap(kind) else { return }
        // What it said before its end still counts.
        hear(watchers.receive(from: kind, .readable))
        feed(watchers.forget(kind, exit))
    }

    private func launchEnded() {
        guard let (loss, events) = workforce.reapLaunch() else { return }
        feed(record(loss) + events)
    }

    /// Reports of watchers mean something for other parts, too.
    private func hear(_ events: [Event]) {
        for event in events {
            if case .watcherSaid(let kind, _, let report) = event { overhear(kind, report) }
            feed(event)
        }
    }

    private func overhear(_ kind: WatcherKind, _ report: WatcherReport) {
        switch (kind, report) {
        case (.keeper, .alive): doors.keeperAnswered()
        case (.keeper, .journaled(let mark)):
            guard watchers.isSynchronised(.keeper), let loss = ledger.written(upTo: mark.serial) else { return }
            feed(record(loss))
        // It may be wrong, or say it often: the file is read once a turn of the loop.
        case (.pathwatch, .path(.configuration)): settings.mayHaveChanged()
        case (_, .hello), (_, .alive), (_, .path), (_, .database), (_, .verdict), (_, .journaled): break
        }
    }
}

/// Master as the operator's requests see it.
extension Loop: BackOffice {
    var journal: Journal { ledger.journal }
    var launchStatus: WatcherStatus { workforce.launchStatus }

    /// Goes over to what the file says now, if it is right and concerns few users or is confirmed.
    func reload(isConfirmed: Bool) {
        feed(settings.read(isConfirmed: isConfirmed))
    }

    func follow(_ order: Event) throws {
        if let promise = supervisor.promise(of: order) { _ = try attempt(promise) }
        feed(order)
    }
}
