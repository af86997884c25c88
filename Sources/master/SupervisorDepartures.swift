// The second half of a worker's life: its leaving, or its death.

import Shared

extension Supervisor {
    // MARK: departure

    /// Ends the process of a user that is to be down, or is to be replaced when it is gone.
    mutating func leave(_ user: inout User, _ process: Process, drains: Bool = true) {
        let serves = drains && process.readyAt != nil
        // Its swap may have been waiting for a place.
        dequeueStart(user.name)
        user.actual = .stopping(departure(process, drains: serves))
        if !serves { terminate(&user, process) }
    }

    /// Sends a process away to which nobody is sent any more.
    mutating func depart(_ user: inout User, _ process: Process, drains: Bool) {
        let serves = drains && process.readyAt != nil
        user.departing[process.id.generation] = departure(process, drains: serves)
        if !serves { terminate(&user, process) }
    }

    private mutating func departure(_ process: Process, drains: Bool) -> Departure {
        starting.remove(process.id)
        for deadline in [Deadline.ready(process.id), .soak(process.id)] { timers.cancel(deadline) }
        emit(.forget(process.id))
        guard drains else { return Departure(process: process, phase: .terminating) }
        timers.set(.drain(process.id), at: now + Self.drainInterval)
        return Departure(process: process, phase: .draining(until: now + Self.drainLimit, emptyLooks: 0))
    }

    /// Between two looks whether somebody still waits on the socket of a leaving process.
    private static var drainInterval: Duration { .milliseconds(20) }
    /// So many looks in a row must find nobody: who followed the link just before it moved has arrived by then.
    private static var drainLooks: Int { 5 }
    private static var drainLimit: Duration { .seconds(5) }

    mutating func drainOn(_ id: WorkerID) {
        guard let user = users[id.user], let (_, process) = role(of: id, user) else { return }
        emit(.probe(process.socket, worker: id))
    }

    mutating func probed(_ id: WorkerID, _ isEmpty: Bool) {
        update(id.user) { supervisor, user in
            guard let (role, process) = supervisor.role(of: id, user),
                let phase = role.phase ?? user.departing[id.generation]?.phase,
                case .draining(let until, let looks) = phase
            else { return }
            let empty = isEmpty ? looks + 1 : 0
            if empty >= Self.drainLooks || supervisor.now >= until {
                // Who still waits there is not served by this worker any more.
                if !isEmpty { supervisor.emit(.answer(process.socket, .restarting)) }
                supervisor.terminate(&user, process)
            } else {
                let wasUnsaved = user.isUnsaved
                user.setPhase(of: id, .draining(until: until, emptyLooks: empty))
                user.isUnsaved = wasUnsaved
                supervisor.timers.set(.drain(id), at: supervisor.now + Self.drainInterval)
            }
        }
    }

    /// SIGTERM now, SIGKILL after stop_timeout.
    mutating func terminate(_ user: inout User, _ process: Process) {
        timers.cancel(.drain(process.id))
        user.setPhase(of: process.id, .terminating)
        emit(.signal(process.id, Signal.terminate, leaderOnly: true))
        timers.set(.kill(process.id), at: now + configuration.worker.stopTimeout)
    }

    /// Ends a process that hangs. Its exit counts as a death.
    mutating func abort(_ user: inout User, _ process: Process, _ why: String) {
        note("aborting: \(why)", rule: "abort", user: user.name, weight: .warning)
        dequeueStart(user.name)
        var ending = departure(process, drains: false)
        ending.phase = .aborting
        ending.process.failure = why
        user.actual = .stopping(ending)
        emit(.signal(process.id, Signal.abort, leaderOnly: true))
        // A stopped process takes no signal but SIGKILL until it is resumed (signal(7)).
        emit(.signal(process.id, Signal.resume, leaderOnly: false))
        timers.set(.kill(process.id), at: now + Self.abortTimeout)
    }

    /// Gives up the new process of a swap: what is wanted has changed meanwhile.
    mutating func abandon(_ user: inout User, _ new: Process, keeping old: Process) {
        remedied(user.name)
        user.actual = .ready(old)
        depart(&user, new, drains: false)
    }

    mutating func swapFailed(_ user: inout User, _ plan: PlanIdentity, _ why: String) {
        remedied(user.name)
        if !upgradeFailed(&user, why) {
            user.failedPlan = plan
            user.swapFailure = why
            note("new settings failed: \(why)", rule: "swap-failed", user: user.name, weight: .warning)
        }
        reconcile(&user)
    }

    /// Nothing is wrong with the settings: the process could not be made for the moment.
    private mutating func swapDelayed(_ user: inout User, _ why: String) {
        remedied(user.name)
        user.swapRequest = why
        timers.set(.restart(user.name), at: max(putOff(&user, why), now + .seconds(1)))
    }

    /// No process could be made for a user who needs one: no death of anybody. It is tried again as long as it takes.
    private mutating func startDelayed(_ user: inout User, _ process: Process, _ why: String) {
        remedied(user.name)
        let next = putOff(&user, why)
        user.actual = .waiting(until: next)
        timers.set(.restart(user.name), at: next)
        retireUnused(user, process.socket, .restarting)
        ensureFace(&user)
    }

    /// Tells of it once; answers when to try again: at once, then from half a second up to five.
    private mutating func putOff(_ user: inout User, _ why: String) -> Instant {
        var trouble = user.startTrouble ?? StartTrouble()
        if user.startTrouble == nil {
            let weight = isCrowded ? Happening.Weight.crowd : .warning
            note("no process can be made: \(why)", rule: "start-delayed", user: user.name, weight: weight)
        }
        trouble.why = why
        let decision = trouble.attempts.died(
            at: now, readySince: nil, settings: Watcher.restart, chance: nextChance())
        user.startTrouble = trouble
        return now + decision.delay
    }

    // MARK: death

    mutating func ended(_ id: WorkerID, _ how: String) {
        update(id.user) { supervisor, user in
            guard let (role, process) = supervisor.role(of: id, user) else { return }
            supervisor.starting.remove(id)
            supervisor.arrived(process)
            for deadline in [Deadline.ready(id), .place(id), .pulse(id), .soak(id), .drain(id), .kill(id)] {
                supervisor.timers.cancel(deadline)
            }
            supervisor.emitLast(.forget(id))
            switch role {
            case .departing:
                user.departing[id.generation] = nil
                supervisor.retireUnused(user, process.socket, .restarting)
                if case .absent = user.actual { supervisor.reconcile(&user) }
            case .starting where process.pid == nil && supervisor.wanted(user) == .up:
                supervisor.startDelayed(&user, process, how)
            case .stopping(.aborting), .starting, .ready:
                supervisor.died(&user, process, how)
            case .stopping(.draining), .stopping(.terminating):
                user.actual = .absent
                supervisor.retireUnused(user, process.socket, .restarting)
                supervisor.reconcile(&user)
            case .swappedIn(let old):
                user.actual = .ready(old)
                supervisor.retireUnused(user, process.socket, .restarting)
                if process.pid == nil {
                    supervisor.swapDelayed(&user, how)
                } else {
                    supervisor.swapFailed(&user, process.plan, process.failure ?? how)
                }
            case .swappedOut(let new) where new.soakEnd != nil:
                user.restarts += 1
                user.lastExit = how
                let wasFace = user.face?.socket == process.socket
                supervisor.serveAtOnce(&user, new, "its predecessor died: \(how)")
                // Else it is retired when the link has left it.
                if !wasFace { supervisor.retireUnused(user, process.socket, .restarting) }
            case .swappedOut(let new):
                user.restarts += 1
                user.lastExit = how
                user.actual = .starting(new)
                supervisor.follow(&user, from: process.socket, to: new.socket)
                supervisor.retireUnused(user, process.socket, .restarting)
                supervisor.ensureFace(&user)
                supervisor.note("died while its successor starts: \(how)", rule: "restart", user: user.name)
            }
        }
    }

    mutating func died(_ user: inout User, _ process: Process, _ how: String) {
        remedied(user.name)
        user.lastExit = how
        user.lastFailure = process.failure
        user.health = nil
        user.latency = nil
        user.actual = .absent
        retireUnused(user, process.socket, .restarting)
        let cause = process.failure.map { $0 == how ? how : "\(how), \($0)" } ?? how
        guard wanted(user) == .up else {
            // Its database is away, or it was to end anyway: that counts for nothing.
            note("died: \(cause)", rule: "down", user: user.name)
            return reconcile(&user)
        }
        user.restarts += 1
        diedOnTheWay(&user, process, cause)
        let decision = user.history.died(
            at: now, readySince: process.readyAt, settings: configuration.worker.restart, chance: nextChance())
        if decision.beginsCrashLoop {
            note("crash loop: \(cause)", rule: "crash-loop", user: user.name, weight: .warning)
            relapsed(&user, process, "crash loop, \(cause)")
        }
        guard decision.delay > .zero else {
            note("died: \(cause); starting again", rule: "restart", user: user.name)
            return reconcile(&user)
        }
        let seconds = (decision.delay.milliseconds / 100).rounded() / 10
        note("died: \(cause); starting again in \(seconds) s", rule: "restart", user: user.name)
        dequeueStart(user.name)
        user.actual = .waiting(until: now + decision.delay)
        timers.set(.restart(user.name), at: now + decision.delay)
        if decision.isCrashLoop {
            standIn(&user, .crashLooping)
        } else if decision.delay > Self.patience {
            standIn(&user, .restarting)
        } else {
            ensureFace(&user)
        }
    }

    mutating func delayEnded(_ user: inout User) {
        if case .waiting = user.actual { user.actual = .absent }
        reconcile(&user)
    }
}

extension User {
    fileprivate mutating func setPhase(of id: WorkerID, _ phase: Departure.Phase) {
        if departing[id.generation] != nil {
            departing[id.generation]?.phase = phase
        } else if case .stopping(var departure) = actual, departure.process.id == id {
            departure.phase = phase
            actual = .stopping(departure)
        }
    }
}
