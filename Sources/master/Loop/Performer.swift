// From an effect to the kernel: one switch, and no decision in it.

import CLinux
import Glibc
import Policy
import Shared
import SharedSystem

extension Loop {
    /// Performs an effect; what it finds out on the way comes back as events.
    func perform(_ effect: Effect) -> [Event] {
        do {
            switch effect {
            case .open(let socket): return openSocket(socket)
            case .retire(let socket, let reason): return retire(StandIn(socket, reason))
            case .welcome(let id, let socket, let nice):
                sockets.restoreBacklog(socket)
                workers[id]?.endStart(nice: nice)
            case .link(let socket): return link(socket)
            case .unlink(let user):
                sockets.unlink(user)
                shortages.faceless.remove(user)
            case .answer(let socket, let reason): return tellKeeper(.answer(StandIn(socket, reason)))
            case .quiet(let socket): return tellKeeper(.quiet(socket))
            case .watch(let socket): try watch(socket)
            case .unwatch(let socket): if let watched = sockets.held[socket] { poller.remove(watched.number) }
            case .probe(let socket, let worker): return [.probed(worker, isEmpty: sockets.isEmpty(socket))]
            case .start(let id, let socket, let plan, let gently): return startWorker(id, socket, plan, gently)
            case .measure(let id): return measure(id)
            case .signal(let id, let number, let leaderOnly): signal(id, number, leaderOnly)
            case .check(let order): return tell(.dispatch, links.dispatch) { try $0.send(.check(order)) }
            case .forget(let worker): return tell(.dispatch, links.dispatch) { try $0.send(.forget(worker)) }
            case .suspect(let worker): return tell(.dispatch, links.dispatch) { try $0.send(.suspect(worker)) }
            case .startWatcher(let kind, let generation): return startWatcher(kind, generation)
            case .killWatcher(let kind): watchers[kind]?.child.signal(SIGKILL)
            case .dismissWatcher(.keeper): return tell(.keeper, links.keeper) { try $0.dismiss() }
            case .dismissWatcher(let kind): closeLink(kind)
            case .ping(let kind):
                try tendShortages()
                return tell(kind, links[kind]) { try $0.ping() }
            case .snapshot(let kind): return sendSnapshot(kind)
            case .moveLogs: return tellKeeper(.settings(keeperSettings))
            case .dropHold(let name): try runtime.keepHold(name, nil)
            case .keepDeletions: try runtime.keepDeletions(supervisor.keptDeletions)
            case .keepUpgrade: try runtime.keepUpgrade(supervisor.upgrade)
            case .keepVersions(let versions): try runtime.keepVersions(versions)
            case .record(let happening): return record(happening)
            case .giveWay: if program.isReplaced { ending = ending ?? .replaced }
            case .save(let name): save(name)
            case .erase(let name): try state.erase(name)
            case .finish: ending = .stopped
            }
        } catch {
            log.error("\(error)")
        }
        return []
    }

    // MARK: sockets

    private func openSocket(_ socket: SocketID) -> [Event] {
        do { return try makeSocket(socket) } catch { return faceFailed(socket.user, error) }
    }

    private func makeSocket(_ socket: SocketID) throws -> [Event] {
        try sockets.open(socket)
        return tell(.keeper, synchronised(links.keeper)) { try $0.send(.keep(socket), with: sockets.held[socket]) }
    }

    private func link(_ socket: SocketID) -> [Event] {
        do {
            try sockets.link(socket)
            shortages.faceless.remove(socket.user)
            return []
        } catch {
            return faceFailed(socket.user, error)
        }
    }

    private func watch(_ socket: SocketID) throws {
        if let watched = sockets.held[socket] { try poller.add(watched.number, .readable, as: .awaited(socket)) }
    }

    /// Master keeps its copy until the keeper has surely read the order: with the last copy, who waits there is lost.
    private func retire(_ socket: StandIn) -> [Event] {
        guard let descriptor = sockets.release(socket.socket) else { return [] }
        poller.remove(descriptor.number)
        retired.append(RetiredSocket(socket: socket, descriptor: descriptor))
        return tell(.keeper, synchronised(links.keeper)) { try $0.send(.retire(socket)) }
    }

    /// What a report of the keeper means beside the Supervisor.
    func keeperSaid(_ report: WatcherReport) {
        switch report {
        case .alive: keeperAnswered()
        case .journaled(let mark):
            guard links.keeper?.isSynchronised == true, let loss = journal.wrote(upTo: mark.serial) else { return }
            for event in record(loss) { feed(event) }
        case .hello, .path, .database, .verdict: break
        }
    }

    /// The keeper has answered a ping. The first one may have been sent before a socket was retired, the second not.
    private func keeperAnswered() {
        for index in retired.indices { retired[index].pongs += 1 }
        retired.removeAll { $0.pongs > 1 }
    }

    // MARK: workers

    private func startWorker(
        _ id: WorkerID, _ socket: SocketID, _ plan: WorkerPlan, _ gently: Bool
    ) -> [Event] {
        do {
            // One that could not be made before: if it cannot be made now, this says why.
            let events = sockets.held[socket] == nil ? try makeSocket(socket) : []
            guard let listener = sockets.held[socket] else {
                throw SystemError("socket", "\(socket)", code: EBADF)
            }
            let results = try launcher.ask(
                id, plan, socket: socket, listener, account: geteuid() == 0 ? plan.runAs : nil,
                gently: gently && clinux_may_renice() == 1, now: .now())
            if let channel = launcher.channel, launcher.interest.contains(.writable) {
                try poller.change(channel.number, launcher.interest)
            }
            return events + launched(results)
        } catch {
            return [.startFailed(id, why: "\(error)")]
        }
    }

    /// Takes over a worker's process that runs.
    func supervise(_ id: WorkerID, _ worker: WorkerChild) -> [Event] {
        do {
            workers[id] = worker
            leaders[worker.child.pid] = id
            try poller.add(worker.child.pidfd.number, .readable, as: .workerExit(id))
            if let execution = worker.execution {
                try poller.add(execution.number, .readable, as: .execution(id))
            }
            let events = tell(.keeper, synchronised(links.keeper)) { try $0.send(.output(id), with: worker.output) }
            return [.started(id, pid: worker.child.pid)] + events
        } catch {
            endUnsupervised(workers.removeValue(forKey: id)?.child)
            return [.startFailed(id, why: "\(error)")]
        }
    }

    /// Nothing comes of one that has ended: its exit tells.
    private func measure(_ id: WorkerID) -> [Event] {
        guard let pid = workers[id]?.child.pid, let memory = ProcessFiles.memory(of: pid) else { return [] }
        return [.measured(id, memory: memory)]
    }

    private func signal(_ id: WorkerID, _ number: Int32, _ leaderOnly: Bool) {
        if let child = workers[id]?.child {
            child.signal(number, leaderOnly: leaderOnly)
        } else {
            launcher.signal(id, number, leaderOnly: leaderOnly)
        }
    }

    // MARK: watchers

    private func startWatcher(_ kind: WatcherKind, _ generation: UInt64) -> [Event] {
        do {
            var ends: [Int32] = [-1, -1]
            try check("socketpair") { clinux_socketpair(&ends) }
            let (own, other) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
            let null = Descriptor(owning: try check("open", "/dev/null") { open("/dev/null", O_RDWR | O_CLOEXEC) })
            let child = try Child.spawn(
                "\(program.folder)/\(kind)", [], env: watcherEnvironment(generation),
                descriptors: [null.number, null.number, 2, other.number])
            watchers[kind] = (generation, child)
            links.open(kind, own, generation: generation)
            try poller.add(own.number, .readable, as: .watcher(kind))
            try poller.add(child.pidfd.number, .readable, as: .watcherExit(kind))
            return [.watcherStarted(kind, generation: generation, pid: child.pid)]
        } catch {
            closeLink(kind)
            endUnsupervised(watchers.removeValue(forKey: kind)?.child)
            return [.watcherExited(kind, generation: generation, why: "\(error)")]
        }
    }

    /// A process whose end could not be noticed must not live.
    private func endUnsupervised(_ child: Child?) {
        guard let child else { return }
        poller.remove(child.pidfd.number)
        leaders[child.pid] = nil
        child.signalGroup(SIGKILL)
        // The sweep of orphans reaps it.
    }

    /// HOME for libpq's password file, JOURNAL_STREAM for the form of the log lines; else nothing of master's own.
    private func watcherEnvironment(_ generation: UInt64) -> [String: String] {
        var env = ["PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "STEWARD_WATCHER": String(generation)]
        env["STEWARD_RUNTIME"] = runtime.configuration.runtime
        for name in ["HOME", "JOURNAL_STREAM"] { env[name] = getenv(name).map { String(cString: $0) } }
        return env
    }

    func closeLink(_ kind: WatcherKind) {
        guard let link = links[kind] else { return }
        poller.remove(link.descriptor.number)
        links.close(kind)
        if kind == .keeper { keeperKnows = ([], []) }
    }

    private func synchronised<Link: WatcherLink>(_ link: Link?) -> Link? {
        link.flatMap { $0.isSynchronised ? $0 : nil }
    }

    private func tellKeeper(_ message: ToKeeper) -> [Event] {
        tell(.keeper, synchronised(links.keeper)) { try $0.send(message) }
    }

    /// Sends to a watcher, if it is there; a channel that takes no more breaks.
    func tell<Link>(_ kind: WatcherKind, _ link: Link?, _ body: (Link) throws -> Void) -> [Event] {
        guard let link, let open = links[kind] else { return [] }
        do {
            try body(link)
            try watch(open)
            return []
        } catch {
            let generation = open.generation
            closeLink(kind)
            return [.watcherBroke(kind, generation: generation, why: "\(error)")]
        }
    }

    /// Watches a channel for what it has to be watched for now.
    func watch(_ link: any WatcherLink) throws {
        guard link.interest != link.watchedFor else { return }
        try poller.change(link.descriptor.number, link.interest)
        link.watchedFor = link.interest
    }

    // MARK: the operator

    func record(_ happening: Happening) -> [Event] {
        let event = journal.append(happening, wall: wallClock())
        let about = happening.user.map { "\($0): " } ?? happening.subject.map { "\($0): " } ?? ""
        switch happening.weight {
        case .crowd: break
        case .routine: log.info("\(about)\(happening.text)")
        case .warning: log.warning("\(about)\(happening.text)")
        }
        for follower in control.followers where follower.follows?.wants(event) == true {
            send([.event(event)], to: follower)
        }
        // The keeper writes it: master waits for no disk.
        return tellKeeper(.event(event))
    }
}
