// The second half of a worker's life: its departure, or its death.
//
// After a death the worker is started again at once. Further deaths in a row are followed by growing delays
// (`RestartHistory`); the row ends after a minute of readiness. Five deaths in a minute are a crash loop: it is logged
// once, the worker is tried at the longest delay for ever, and the keeper answers meanwhile.
//
// A swap that fails leaves the old process serving. It is not tried again until the settings change or the operator
// asks for it. If the old process dies during the swap, the link is moved to the socket of the new one, and the
// requests that wait on the old socket are answered by the keeper.

import Shared

extension User {
    /// From SIGABRT to SIGKILL.
    static let abortTimeout = Duration.seconds(5)
    /// How long a process has for its end whose database does not answer: what it could finish hangs, and its user
    /// waits for the next one.
    private static let hangLimit = Duration.seconds(2)
    /// Between two looks whether a request still waits on the socket of a leaving process.
    private static let lookInterval = Duration.milliseconds(20)
    /// So many looks in a row must find none: what followed the link just before it moved has arrived by then.
    private static let looks = 5
    private static let drainLimit = Duration.seconds(5)

    // MARK: departure

    /// Ends the process of a user that is to be down, or is to be replaced when it is gone.
    mutating func leave(_ process: Process, drains: Bool, _ aim: Aim, _ out: inout Outbox) {
        let serves = drains && process.readyAt != nil
        actual = .stopping(departure(process, drains: serves, &out))
        if !serves { terminate(process.id, aim, &out) }
    }

    /// Sends a process away that customers are not sent to any more.
    mutating func depart(_ process: Process, drains: Bool, _ aim: Aim, _ out: inout Outbox) {
        let serves = drains && process.readyAt != nil
        departing[process.id.generation] = departure(process, drains: serves, &out)
        if !serves { terminate(process.id, aim, &out) }
    }

    /// Ends a process that has to be gone before its successor starts.
    mutating func departForSuccessor(_ process: Process, _ aim: Aim, _ out: inout Outbox) {
        leave(process, drains: !aim.isPresentLost, aim, &out)
        guard aim.isPresentLost else { return }
        setPhase(of: process.id, .terminating(killAt: out.now + min(aim.rules.stopTimeout, Self.hangLimit)))
    }

    private func departure(_ process: Process, drains: Bool, _ out: inout Outbox) -> Departure {
        out.emit(.forget(process.id))
        guard drains else { return Departure(process: process, phase: .terminating(killAt: nil)) }
        return Departure(
            process: process,
            phase: .draining(
                until: out.now + Self.drainLimit, lookAt: out.now + Self.lookInterval, emptyLooks: 0))
    }

    /// Asks whether a request still waits on the socket of a leaving process.
    mutating func look(_ generation: UInt64, _ out: inout Outbox) {
        let id = WorkerID(user: name, generation: generation)
        guard let (role, process) = role(of: id), case .draining(let until, _, let looks)? = role.phase else { return }
        setPhase(of: id, .draining(until: until, lookAt: nil, emptyLooks: looks), isSaved: false)
        out.emit(.probe(process.socket, worker: id))
    }

    mutating func probed(_ id: WorkerID, isEmpty: Bool, _ aim: Aim, _ out: inout Outbox) {
        guard let (role, process) = role(of: id), case .draining(let until, _, let looks)? = role.phase else { return }
        let empty = isEmpty ? looks + 1 : 0
        if empty >= Self.looks || out.now >= until {
            // Requests that still wait there are not served by this worker any more.
            if !isEmpty { out.emit(.answer(process.socket, .restarting)) }
            terminate(id, aim, &out)
        } else {
            let lookAt = out.now + Self.lookInterval
            setPhase(of: id, .draining(until: until, lookAt: lookAt, emptyLooks: empty), isSaved: false)
        }
    }

    /// SIGTERM now, SIGKILL after stop_timeout.
    private mutating func terminate(_ id: WorkerID, _ aim: Aim, _ out: inout Outbox) {
        setPhase(of: id, .terminating(killAt: out.now + aim.rules.stopTimeout))
        out.emit(.signal(id, Signal.terminate, leaderOnly: true))
    }

    /// Ends a process that hangs. Its exit counts as a death.
    mutating func abort(_ process: Process, _ why: String, _ out: inout Outbox) {
        out.note("aborting: \(why)", rule: "abort", user: name, weight: .warning)
        var ending = departure(process, drains: false, &out)
        ending.phase = .aborting(killAt: out.now + Self.abortTimeout)
        ending.process.failure = why
        actual = .stopping(ending)
        out.emit(.signal(process.id, Signal.abort, leaderOnly: true))
        // A stopped process takes no signal but SIGKILL until it is resumed (signal(7)).
        out.emit(.signal(process.id, Signal.resume, leaderOnly: false))
    }

    /// It has had its time.
    mutating func kill(_ generation: UInt64, _ out: inout Outbox) {
        let id = WorkerID(user: name, generation: generation)
        switch role(of: id)?.role.phase {
        case .terminating: setPhase(of: id, .terminating(killAt: nil), isSaved: false)
        case .aborting: setPhase(of: id, .aborting(killAt: nil), isSaved: false)
        case .draining, nil: return
        }
        out.emit(.signal(id, Signal.kill, leaderOnly: false))
    }

    private mutating func setPhase(of id: WorkerID, _ phase: Departure.Phase, isSaved: Bool = true) {
        let wasUnsaved = isUnsaved
        defer { isUnsaved = isSaved ? isUnsaved : wasUnsaved }
        if departing[id.generation] != nil {
            departing[id.generation]?.phase = phase
        } else if case .stopping(var departure) = actual, departure.process.id == id {
            departure.phase = phase
            actual = .stopping(departure)
        }
    }

    /// Takes the user out of service: its link goes first, so that no request is sent to a leaving process.
    mutating func dismiss(_ aim: Aim, _ out: inout Outbox) {
        let before = actual
        actual = .absent
        if case .stopping(let departure) = before {
            departing[departure.process.id.generation] = departure
        } else {
            for process in before.processes { depart(process, drains: !aim.isEnding, aim, &out) }
        }
        if aim.isEnding {
            for departure in departing.values.sorted(by: { $0.process.id.generation < $1.process.id.generation }) {
                if case .draining = departure.phase { terminate(departure.process.id, aim, &out) }
            }
        }
        loseFace(&out)
    }

    // MARK: a swap that fails

    /// Gives up the new process of a swap: what is wanted has changed meanwhile.
    mutating func abandon(_ new: Process, keeping old: Process, _ aim: Aim, _ out: inout Outbox) {
        isBeingReplaced = false
        actual = .ready(old, Service())
        var new = new
        // It has served nothing yet, whether it was ready or not.
        new.readyAt = nil
        depart(new, drains: false, aim, &out)
    }

    mutating func swapGivenUp(_ plan: PlanIdentity, _ why: String) -> Answer {
        isBeingReplaced = false
        return .swapFailed(plan, why: why)
    }

    /// It is not tried again with this plan.
    mutating func swapFailed(_ plan: PlanIdentity, _ why: String, _ out: inout Outbox) {
        failedPlan = plan
        swapFailure = why
        out.note("new settings failed: \(why)", rule: "swap-failed", user: name, weight: .warning)
    }

    // MARK: no process can be made

    /// Nothing is wrong with the settings: the process could not be made for the moment.
    private mutating func swapDelayed(_ why: String, _ aim: Aim, _ out: inout Outbox) {
        isBeingReplaced = false
        swapRequest = why
        let next = max(putOff(why, aim, &out), out.now + .seconds(1))
        editService { $0.retryAt = next }
    }

    /// No process could be made for a user that needs one: no death. It is tried again as long as it takes.
    private mutating func startDelayed(_ process: Process, _ why: String, _ aim: Aim, _ out: inout Outbox) {
        isBeingReplaced = false
        actual = .waiting(until: putOff(why, aim, &out))
        retireUnused(process.socket, .restarting, &out)
        ensureFace(&out)
    }

    /// Tells of it once; answers when to try again: at once, then from half a second up to five.
    private mutating func putOff(_ why: String, _ aim: Aim, _ out: inout Outbox) -> Instant {
        var trouble = startTrouble ?? StartTrouble()
        if startTrouble == nil {
            let weight = aim.isCrowded ? Happening.Weight.crowd : .warning
            out.note("no process can be made: \(why)", rule: "start-delayed", user: name, weight: weight)
        }
        trouble.why = why
        let decision = trouble.attempts.died(
            at: out.now, readySince: nil, settings: Watcher.restart, chance: out.nextChance())
        startTrouble = trouble
        return out.now + decision.delay
    }

    // MARK: the end of a process

    mutating func ended(_ id: WorkerID, _ how: String, _ aim: inout Aim, _ out: inout Outbox) -> Answer? {
        guard let (role, process) = role(of: id) else { return nil }
        out.emitLast(.forget(id))
        switch role {
        case .departing:
            departing[id.generation] = nil
            retireUnused(process.socket, .restarting, &out)
            if case .absent = actual { reconcile(&aim, &out) }
        case .starting where process.pid == nil && aim.wanted == .up:
            startDelayed(process, how, aim, &out)
        case .stopping(.aborting), .starting, .ready:
            return died(process, how, &aim, &out)
        case .stopping(.draining), .stopping(.terminating):
            actual = .absent
            retireUnused(process.socket, .restarting, &out)
            reconcile(&aim, &out)
        case .swappedIn(let old, _):
            actual = .ready(old, Service())
            retireUnused(process.socket, .restarting, &out)
            guard process.pid == nil else { return swapGivenUp(process.plan, process.failure ?? how) }
            swapDelayed(how, aim, &out)
        case .swappedOut(let new):
            restarts += 1
            lastExit = how
            succeed(process, new, how, &aim, &out)
        }
        return nil
    }

    /// The old process of a swap has died: its successor is the only one now.
    private mutating func succeed(
        _ old: Process, _ new: Newcomer, _ how: String, _ aim: inout Aim, _ out: inout Outbox
    ) {
        switch new {
        case .soaking(let process, _), .proving(let process, _):
            let wasFace = face?.socket == old.socket
            serveAtOnce(process, "its predecessor died: \(how)", &aim, &out)
            // Else it is retired when the link has left it.
            if !wasFace { retireUnused(old.socket, .restarting, &out) }
        case .starting(let start):
            actual = .starting(start)
            follow(from: old.socket, to: start.process.socket, &out)
            retireUnused(old.socket, .restarting, &out)
            ensureFace(&out)
            out.note("died while its successor starts: \(how)", rule: "restart", user: name)
        }
    }

    mutating func died(_ process: Process, _ how: String, _ aim: inout Aim, _ out: inout Outbox) -> Answer? {
        isBeingReplaced = false
        lastExit = how
        lastFailure = process.failure
        health = nil
        latency = nil
        actual = .absent
        retireUnused(process.socket, .restarting, &out)
        let cause = process.failure.map { $0 == how ? how : "\(how), \($0)" } ?? how
        guard aim.wanted == .up else {
            // Its database is away, or it was to end anyway: that counts for nothing.
            out.note("died: \(cause)", rule: "down", user: name)
            reconcile(&aim, &out)
            return nil
        }
        restarts += 1
        return .died(Death(process: process, cause: cause))
    }

    /// Counts a death. The decision is for `startAgain`.
    mutating func count(_ death: Death, _ aim: Aim, _ out: inout Outbox) -> RestartDecision {
        let decision = history.died(
            at: out.now, readySince: death.process.readyAt, settings: aim.rules.restart, chance: out.nextChance())
        if decision.beginsCrashLoop {
            out.note("crash loop: \(death.cause)", rule: "crash-loop", user: name, weight: .warning)
        }
        return decision
    }

    mutating func startAgain(
        after decision: RestartDecision, _ death: Death, _ aim: inout Aim, _ out: inout Outbox
    ) {
        guard decision.delay > .zero else {
            out.note("died: \(death.cause); starting again", rule: "restart", user: name)
            return reconcile(&aim, &out)
        }
        let seconds = (decision.delay.milliseconds / 100).rounded() / 10
        out.note("died: \(death.cause); starting again in \(seconds) s", rule: "restart", user: name)
        actual = .waiting(until: out.now + decision.delay)
        if decision.isCrashLoop {
            standIn(.crashLooping, &out)
        } else if decision.delay > Self.patience {
            standIn(.restarting, &out)
        } else {
            ensureFace(&out)
        }
    }
}

extension User.Role {
    /// How it leaves, where it does.
    var phase: Departure.Phase? {
        switch self {
        case .stopping(let phase), .departing(let phase): phase
        case .starting, .ready, .swappedOut, .swappedIn: nil
        }
    }
}

/// Numbers of signals: those of signal(7) on every architecture that Swift runs on.
enum Signal {
    static let abort: Int32 = 6
    static let kill: Int32 = 9
    static let terminate: Int32 = 15
    static let resume: Int32 = 18
}
