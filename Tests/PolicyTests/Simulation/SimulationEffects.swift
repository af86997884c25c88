// What the effects do in the simulated world: sockets, links and workers.

import Shared

@testable import Policy

extension Simulation {
    func perform(_ effect: Effect) -> [Event] {
        judge(effect)
        switch effect {
        case .open(let socket): return open(socket)
        case .retire(let socket, _): retire(socket)
        case .link(let socket): return link(socket)
        case .unlink(let user): unlink(user)
        case .answer(let socket, _): answering.insert(socket)
        case .quiet(let socket): answering.remove(socket)
        case .watch(let socket): watch(socket)
        case .unwatch(let socket): watched.remove(socket)
        case .probe(_, let worker): return [.probed(worker, isEmpty: isCalm || roll(4) > 0)]
        case .start(let id, let socket, let plan, _): return start(id, socket, plan)
        case .measure(let id): return measure(id)
        case .signal(let id, let number, _): signal(id, number)
        case .check(let order): orders[order.worker] = order
        case .forget(let worker): orders[worker] = nil
        case .startWatcher(let kind, let generation): return startWatcher(kind, generation)
        case .killWatcher(let kind): endWatcher(kind, "signal 9")
        case .dismissWatcher(let kind): endWatcher(kind, "exit 0")
        case .ping(let kind): ping(kind)
        case .snapshot(let kind): snapshot(kind)
        case .save(let record): saved[record.name] = record
        case .erase(let name): saved[name] = nil
        case .keepHold(let name, let reason): holds[name] = reason
        case .keepDrained(let names): drained = names
        case .keepDeletions(let deletions): kept = deletions
        case .keepUpgrade(let upgrade): keep(upgrade)
        case .keepVersions(let kept): versions = kept
        case .welcome, .suspect, .moveLogs, .record, .giveWay, .finish: break
        }
        return []
    }
}

// MARK: sockets

extension Simulation {
    private func open(_ socket: SocketID) -> [Event] {
        everOpened.insert(socket)
        guard !held.contains(socket) else { return [] }
        if fails(oneIn: 25) {
            unmade.insert(socket)
            return faceFailed(socket.user)
        }
        unmade.remove(socket)
        held.insert(socket)
        return []
    }

    private func link(_ socket: SocketID) -> [Event] {
        guard held.contains(socket), !fails(oneIn: 25) else {
            brokenLinks.insert(socket.user)
            return faceFailed(socket.user)
        }
        links[socket.user] = socket
        brokenLinks.remove(socket.user)
        return []
    }

    private func faceFailed(_ name: UserName) -> [Event] {
        unservedSince[name] = now
        return [.faceFailed(name)]
    }

    private func unlink(_ name: UserName) {
        links[name] = nil
        brokenLinks.remove(name)
        unservedSince[name] = nil
    }

    private func retire(_ socket: SocketID) {
        held.remove(socket)
        unmade.remove(socket)
        answering.remove(socket)
        watched.remove(socket)
    }

    private func watch(_ socket: SocketID) {
        guard held.contains(socket) else { return }
        watched.insert(socket)
        if roll(2) == 0 { plan(.event(.awaited(socket)), in: .milliseconds(roll(500))) }
    }
}

// MARK: workers

extension Simulation {
    private func start(_ id: WorkerID, _ socket: SocketID, _ settings: WorkerPlan) -> [Event] {
        everStarted.insert(id)
        everAdmitted.insert(id)
        // A namesake before this one may have been about to end.
        agenda.removeAll { if case .exit(id, _) = $0.incident { true } else { false } }
        guard held.contains(socket), !fails(oneIn: 20) else {
            return [.startFailed(id, why: "socket: Bad file descriptor")]
        }
        workers[id] = Worker(socket: socket, plan: settings)
        lastVersions[id.user] = settings.version
        plan(.launched(id), in: .milliseconds(isCalm ? 1 : [0, 1, 100, 6000][roll(4)]))
        return []
    }

    /// Launch tells of a new process, or that there is none.
    func answerStart(_ id: WorkerID) {
        guard let worker = workers[id] else { return }
        guard !fails(oneIn: 20) else {
            workers[id] = nil
            return send(.startFailed(id, why: "clone: Resource temporarily unavailable"))
        }
        workers[id]?.isTold = true
        if fails(oneIn: 30) {
            plan(.event(.executionFailed(id, why: "no such program")), in: .milliseconds(1))
            plan(.exit(id, .code(127)), in: .milliseconds(2))
        } else {
            plan(.event(.executed(id)), in: .milliseconds(1))
            plan(.loaded(id), in: .milliseconds(isCalm || isTrusted ? 1 : 20 + roll(4000)))
        }
        for number in worker.signals { signal(id, number) }
        send(.started(id, pid: nextPID()))
    }

    func load(_ id: WorkerID) {
        guard let worker = workers[id] else { return }
        switch quality(worker.plan) {
        case .dies:
            end(id, .code(1))
        // A worker that is taken as ready cannot be seen to hang.
        case .hangs where !isTrusted:
            break
        case .works, .hangs, .fades, .fails:
            workers[id]?.isServing = !worker.isTerminated
            if quality(worker.plan) == .fades { plan(.exit(id, .code(3)), in: .seconds(3)) }
            send(.notified(id, .ready))
        }
    }

    /// In wild times some are above their limit.
    private func measure(_ id: WorkerID) -> [Event] {
        guard workers[id] != nil else { return [] }
        return [.measured(id, memory: fails(oneIn: 10) ? 2 << 20 : 1 << 20)]
    }

    /// Whether workers are taken as ready as soon as their program runs.
    var isTrusted: Bool {
        let worker = supervisor.configuration.worker
        return worker.heartbeat == .zero && !worker.check.isWanted
    }

    /// The exit of a worker; a second one is none.
    func end(_ id: WorkerID, _ exit: Exit) {
        if workers.removeValue(forKey: id) != nil { send(.exited(id, exit)) }
    }

    private func signal(_ id: WorkerID, _ number: Int32) {
        if number == Signal.kill { killed.insert(id) }
        guard let worker = workers[id] else { return }
        if number == Signal.terminate { workers[id]?.isTerminated = true }
        guard worker.isTold else {
            workers[id]?.signals.append(number)
            return
        }
        switch number {
        case Signal.terminate:
            workers[id]?.isServing = false
            // Every third one does not care.
            let time = isCalm ? 50 : roll(3) == 0 ? 60_000 : roll(3000)
            plan(.exit(id, .code(0)), in: .milliseconds(time))
        case Signal.abort:
            workers[id]?.isServing = false
            if roll(2) == 0 { plan(.exit(id, .signal(number)), in: .milliseconds(5)) }
        case Signal.kill:
            plan(.exit(id, .signal(number)), in: .milliseconds(5))
        default:
            break
        }
    }

    /// In wild times some of the serving workers fail their checks.
    func checkEverybody() {
        plan(.round, in: .seconds(1))
        for id in orders.keys.sorted(by: { ($0.user, $0.generation) < ($1.user, $1.generation) }) {
            guard let order = orders[id], let worker = workers[id], worker.isServing else { continue }
            if roll(2) == 0 { send(.notified(id, .heartbeat)) }
            if quality(worker.plan) == .fails {
                if !order.awaitsReady { sayVerdict(id, .failing, .wrongStatus) }
            } else if !order.awaitsReady && fails(oneIn: 10) {
                sayVerdict(id, .failing, [CheckOutcome.timeout, .wrongStatus, .refused][roll(3)])
            } else if isCalm || roll(3) == 0 {
                sayVerdict(id, .passing, .passed)
            }
        }
    }

    private func sayVerdict(_ id: WorkerID, _ health: Health, _ outcome: CheckOutcome) {
        var verdict = CheckVerdict()
        verdict.worker = id
        verdict.health = health
        verdict.outcome = outcome
        say(.dispatch, .verdict(verdict))
    }
}
