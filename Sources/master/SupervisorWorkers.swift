// The life of a worker: start, readiness, checks, departure, death.

import Shared

extension Supervisor {
    /// Where a process stands in its user's life.
    private enum Role {
        case starting
        case ready
        case swappedOut(new: Process)
        case swappedIn(old: Process)
        case stopping(Departure.Phase)
        case departing

        /// How it leaves, where the role itself says so.
        var phase: Departure.Phase? {
            switch self {
            case .stopping(let phase): phase
            case .starting, .ready, .swappedOut, .swappedIn, .departing: nil
            }
        }
    }

    private func role(of id: WorkerID, _ user: User) -> (role: Role, process: Process)? {
        if let departure = user.departing[id.generation] { return (.departing, departure.process) }
        switch user.actual {
        case .absent, .queued, .waiting: return nil
        case .starting(let process): return process.id == id ? (.starting, process) : nil
        case .ready(let process): return process.id == id ? (.ready, process) : nil
        case .stopping(let departure):
            return departure.process.id == id ? (.stopping(departure.phase), departure.process) : nil
        case .swapping(let old, let new):
            if new.id == id { return (.swappedIn(old: old), new) }
            return old.id == id ? (.swappedOut(new: new), old) : nil
        }
    }

    /// Changes what is known of one process, wherever it stands; nothing where it is gone.
    mutating func edit(_ id: WorkerID, _ body: (inout Process) -> Void) {
        update(id.user) { supervisor, user in
            guard let (role, found) = supervisor.role(of: id, user) else { return }
            var process = found
            body(&process)
            switch role {
            case .starting: user.actual = .starting(process)
            case .ready: user.actual = .ready(process)
            case .swappedOut(let new): user.actual = .swapping(old: process, new: new)
            case .swappedIn(let old): user.actual = .swapping(old: old, new: process)
            case .stopping(let phase): user.actual = .stopping(Departure(process: process, phase: phase))
            case .departing: user.departing[id.generation]?.process = process
            }
        }
    }

    // MARK: start

    /// Starts the process that has been waiting for a place; where another one serves, beside it.
    mutating func begin(_ user: inout User) {
        guard !user.isDeleted, wanted(user) == .up else { return }
        let plan = plan(for: user)
        switch user.actual {
        case .queued:
            user.actual = .starting(start(&user, plan, mayInherit: true))
            note("starting", rule: "start", user: user.name)
        case .ready(let old):
            let why = user.swapRequest ?? "settings changed"
            user.swapRequest = nil
            user.actual = .swapping(old: old, new: start(&user, plan, mayInherit: false))
            note("swapping: \(why)", rule: "swap", user: user.name)
        case .absent, .starting, .swapping, .stopping, .waiting:
            break
        }
    }

    /// - Parameter mayInherit: whether it may take over the socket on which requests wait already. Where the keeper
    ///   answers there, it gets one of its own: its readiness is to be judged by its own answers.
    private mutating func start(_ user: inout User, _ plan: WorkerPlan, mayInherit: Bool) -> Process {
        let id = user.nextID()
        var socket = id
        if mayInherit, let face = user.face, face.standIn == nil,
            !user.processes.contains(where: { $0.socket == face.socket })
        {
            socket = face.socket
        } else {
            emit(.open(socket))
        }
        let process = Process(id: id, socket: socket, plan: plan, startedAt: now)
        starting.insert(id)
        timers.set(.ready(id), at: now + configuration.worker.readyTimeout)
        emit(.start(id, socket: socket, plan))
        return process
    }

    mutating func startFailed(_ id: WorkerID, _ why: String) {
        edit(id) { $0.failure = why }
        ended(id, why)
    }

    mutating func executed(_ id: WorkerID) {
        guard let user = users[id.user], let (_, process) = role(of: id, user) else { return }
        if checkSettings(user).isWanted {
            orderCheck(user, process, awaitsReady: true)
        } else if configuration.worker.heartbeat == .zero {
            becameReady(id, "its program runs")
        }
    }

    mutating func notified(_ id: WorkerID, _ notification: Notification) {
        switch notification {
        case .ready: becameReady(id, "READY=1")
        case .heartbeat: beat(id)
        case .status(let text): users[id.user]?.ownStatus = text
        case .stopping: break
        }
    }

    private mutating func beat(_ id: WorkerID) {
        let now = now
        edit(id) { $0.heartbeatAt = now }
    }

    // MARK: readiness

    private mutating func becameReady(_ id: WorkerID, _ why: String) {
        update(id.user) { supervisor, user in
            guard let (role, found) = supervisor.role(of: id, user) else { return }
            var process = found
            process.readyAt = supervisor.now
            switch role {
            case .starting:
                user.actual = .ready(process)
                supervisor.settle(&user, process, why)
            case .swappedIn(let old):
                user.actual = .ready(process)
                user.swapFailure = nil
                supervisor.settle(&user, process, why)
                supervisor.depart(&user, old, drains: true)
            case .ready, .swappedOut, .stopping, .departing:
                break
            }
        }
    }

    /// A process has become ready: customers are sent to it, if they may be.
    private mutating func settle(_ user: inout User, _ process: Process, _ why: String) {
        starting.remove(process.id)
        timers.cancel(.ready(process.id))
        emit(.restoreBacklog(process.socket))
        user.health = nil
        let took = (now - process.startedAt).milliseconds.rounded()
        note("ready after \(Int(took)) ms: \(why)", rule: "ready", user: user.name)
        if wanted(user) == .up {
            serve(&user, process)
            orderCheck(user, process, awaitsReady: false)
        }
        reconcile(&user)
    }

    /// A worker that ran on while its database was away serves again after a passed check.
    mutating func awaitPass(_ user: inout User, _ process: Process) {
        guard checkSettings(user).isWanted else { return serve(&user, process) }
        guard !timers.isSet(.ready(process.id)) else { return }
        timers.set(.ready(process.id), at: now + configuration.worker.readyTimeout)
        orderCheck(user, process, awaitsReady: true)
    }

    mutating func notReadyInTime(_ id: WorkerID) {
        update(id.user) { supervisor, user in
            guard let (role, process) = supervisor.role(of: id, user) else { return }
            let limit = supervisor.configuration.worker.readyTimeout
            let why = "not ready within \(limit.milliseconds / 1000) s"
            switch role {
            case .starting:
                supervisor.abort(&user, process, why)
            case .ready:
                if user.face?.standIn != nil, supervisor.wanted(user) == .up { supervisor.abort(&user, process, why) }
            case .swappedIn(let old):
                supervisor.swapFailed(&user, process, keeping: old, why)
            case .swappedOut, .stopping, .departing:
                break
            }
        }
    }

    // MARK: checks

    func checkSettings(_ user: User) -> CheckSettings {
        user.settings.check.applied(to: configuration.worker.check)
    }

    private mutating func orderCheck(_ user: User, _ process: Process, awaitsReady: Bool) {
        if let order = checkOrder(user, process, awaitsReady: awaitsReady) { emit(.check(order)) }
    }

    private func checkOrder(_ user: User, _ process: Process, awaitsReady: Bool) -> CheckOrder? {
        let settings = checkSettings(user)
        guard settings.isWanted else { return nil }
        var order = CheckOrder()
        order.worker = process.id
        order.socket = socketPath(process.socket, runtime: configuration.runtime)
        order.settings = settings
        order.awaitsReady = awaitsReady
        return order
    }

    /// What dispatch has to check for this user now.
    func checkOrders(_ user: User) -> [CheckOrder] {
        switch user.actual {
        case .absent, .queued, .waiting, .stopping:
            return []
        case .starting(let process):
            return [checkOrder(user, process, awaitsReady: true)].compactMap { $0 }
        case .ready(let process):
            guard wanted(user) == .up else { return [] }
            return [checkOrder(user, process, awaitsReady: user.face?.standIn != nil)].compactMap { $0 }
        case .swapping(let old, let new):
            return [checkOrder(user, old, awaitsReady: false), checkOrder(user, new, awaitsReady: true)]
                .compactMap { $0 }
        }
    }

    /// The settings of the checks may have changed.
    mutating func refreshCheck(_ user: User) {
        guard case .ready(let process) = user.actual else { return }
        emit(.forget(process.id))
        for order in checkOrders(user) { emit(.check(order)) }
    }

    mutating func verdict(_ verdict: CheckVerdict) {
        let id = verdict.worker
        guard let user = users[id.user], let (role, _) = role(of: id, user) else { return }
        switch role {
        case .starting, .swappedIn:
            if verdict.health == .passing { becameReady(id, "passed a check") }
        case .ready:
            update(id.user) { $0.judge(&$1, verdict) }
        case .swappedOut, .stopping, .departing:
            break
        }
    }

    private mutating func judge(_ user: inout User, _ verdict: CheckVerdict) {
        guard case .ready(let process) = user.actual, wanted(user) == .up else { return }
        if verdict.health == .passing, user.face?.standIn != nil {
            note("serves again: passed a check", rule: "released", user: user.name)
            timers.cancel(.ready(process.id))
            serve(&user, process)
            orderCheck(user, process, awaitsReady: false)
        }
        user.health = verdict.health
        user.latency = verdict.latency
        guard verdict.health == .failing else { return }
        switch verdict.outcome {
        case .wrongStatus:
            let why = "checks fail: status \(verdict.status.map(String.init) ?? "missing")"
            note(why, rule: "sick", user: user.name, weight: .warning)
            user.swapRequest = why
            reconcile(&user)
        case .timeout, .refused, .badAnswer:
            abort(&user, process, "checks fail: \(verdict.outcome)")
        case .passed:
            break
        }
    }

    // MARK: departure

    /// Ends the process of a user that is to be down, or is to be replaced when it is gone.
    mutating func leave(_ user: inout User, _ process: Process) {
        let serves = process.readyAt != nil
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
        timers.cancel(.ready(process.id))
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
                supervisor.terminate(&user, process)
            } else {
                user.setPhase(of: id, .draining(until: until, emptyLooks: empty))
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
    private mutating func abort(_ user: inout User, _ process: Process, _ why: String) {
        note("aborting: \(why)", rule: "abort", user: user.name, weight: .warning)
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
        user.actual = .ready(old)
        depart(&user, new, drains: false)
    }

    private mutating func swapFailed(
        _ user: inout User, _ new: Process, keeping old: Process, _ why: String
    ) {
        user.failedPlan = new.plan
        user.swapFailure = why
        note("new settings failed: \(why)", rule: "swap-failed", user: user.name, weight: .warning)
        abandon(&user, new, keeping: old)
    }

    // MARK: death

    mutating func ended(_ id: WorkerID, _ how: String) {
        update(id.user) { supervisor, user in
            guard let (role, process) = supervisor.role(of: id, user) else { return }
            supervisor.starting.remove(id)
            for deadline in [Deadline.ready(id), .drain(id), .kill(id)] { supervisor.timers.cancel(deadline) }
            supervisor.emit(.forget(id))
            switch role {
            case .departing:
                user.departing[id.generation] = nil
                supervisor.retireUnused(user, process.socket, .restarting)
            case .stopping(.aborting), .starting, .ready:
                supervisor.died(&user, process, how)
            case .stopping(.draining), .stopping(.terminating):
                user.actual = .absent
                supervisor.retireUnused(user, process.socket, .restarting)
                supervisor.reconcile(&user)
            case .swappedIn(let old):
                user.actual = .ready(old)
                supervisor.retireUnused(user, process.socket, .restarting)
                user.failedPlan = process.plan
                user.swapFailure = process.failure ?? how
                supervisor.note(
                    "new settings failed: \(process.failure ?? how)", rule: "swap-failed", user: user.name,
                    weight: .warning)
            case .swappedOut(let new):
                user.restarts += 1
                user.lastExit = how
                user.actual = .starting(new)
                supervisor.note("died while its successor starts: \(how)", rule: "restart", user: user.name)
            }
        }
    }

    private mutating func died(_ user: inout User, _ process: Process, _ how: String) {
        user.restarts += 1
        user.lastExit = how
        user.lastFailure = process.failure
        user.health = nil
        user.latency = nil
        user.actual = .absent
        retireUnused(user, process.socket, .restarting)
        let decision = user.history.died(
            at: now, readySince: process.readyAt, settings: configuration.worker.restart, chance: nextChance())
        let cause = process.failure.map { "\(how), \($0)" } ?? how
        guard wanted(user) == .up else {
            note("died: \(cause)", rule: "down", user: user.name)
            return reconcile(&user)
        }
        if decision.beginsCrashLoop {
            note("crash loop: \(cause)", rule: "crash-loop", user: user.name, weight: .warning)
        }
        guard decision.delay > .zero else {
            note("died: \(cause); starting again", rule: "restart", user: user.name)
            return reconcile(&user)
        }
        let seconds = (decision.delay.milliseconds / 100).rounded() / 10
        note("died: \(cause); starting again in \(seconds) s", rule: "restart", user: user.name)
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
        guard case .waiting = user.actual else { return }
        user.actual = .absent
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
