// The first half of a worker's life: its start, until it is ready.

import Shared

extension User {
    /// How long one start may keep others from starting: some hang.
    static let placeTime = Duration.seconds(5)

    /// Gives up the place that it waits for.
    mutating func standDown() {
        editService { $0.wantsSuccessor = false }
    }

    /// Starts the process that has been waiting for a place; where another one serves, beside it.
    mutating func begin(_ aim: inout Aim, _ out: inout Outbox) {
        switch actual {
        case .queued:
            swapRequest = nil
            actual = .starting(start(&aim, mayInherit: true, &out))
            let version = version.map { " \($0)" } ?? ""
            out.note("starting\(version)", rule: "start", user: name, weight: aim.crowdWeight)
        case .ready(var old, _):
            if face?.standIn != nil {
                // It does not come back: its successor serves next.
                old.isArriving = false
                out.emit(.forget(old.id))
            }
            let why = swapRequest ?? (version == old.version ? "settings changed" : "another version")
            swapRequest = nil
            actual = .swapping(old: old, new: .starting(start(&aim, mayInherit: false, &out)))
            let change = version == old.version ? "" : " to \(version ?? "no version")"
            out.note("swapping\(change): \(why)", rule: "swap", user: name)
        case .absent, .starting, .swapping, .stopping, .waiting:
            break
        }
    }

    /// - Parameter mayInherit: whether it may take over the socket on which requests wait already. Where the keeper
    ///   answers there, it gets one of its own: its readiness is to be judged by its own answers.
    private mutating func start(_ aim: inout Aim, mayInherit: Bool, _ out: inout Outbox) -> Start {
        var plan = aim.plan
        let id = nextWorker()
        var socket = SocketID(of: id)
        if mayInherit, let face, face.standIn == nil, !isInUse(face.socket) {
            socket = face.socket
        } else {
            out.emit(.open(socket))
        }
        var process = Process(
            id: id, socket: socket, plan: aim.identity, version: plan.version, startedAt: out.now)
        process.isArriving = true
        if aim.isFolderGone, plan.version == nil { plan.folder = "/" }
        // A crowd can wait for the users that are being served; the restart of one user cannot. A process that is ready
        // as soon as its program runs would be gentle for nothing.
        out.emit(.start(id, socket: socket, plan, gently: aim.isCrowded && !isReadyOnceExecuted(process, aim)))
        return Start(
            process: process, readyBy: out.now + aim.rules.readyTimeout, placeUntil: out.now + Self.placeTime)
    }

    // MARK: what is heard of a start

    mutating func started(_ id: WorkerID, _ pid: Int32) {
        edit(id) { $0.pid = pid }
        startTrouble = nil
    }

    mutating func startFailed(
        _ id: WorkerID, _ why: String, _ aim: inout Aim, _ out: inout Outbox
    ) -> Answer? {
        edit(id) { $0.failure = why }
        return ended(id, why, &aim, &out)
    }

    /// Its own program runs.
    mutating func executed(_ id: WorkerID, _ aim: inout Aim, _ out: inout Outbox) {
        guard let (role, process) = role(of: id) else { return }
        switch role {
        case .starting, .swappedIn:
            if aim.check(of: process).isWanted {
                orderCheck(process, awaitsReady: true, aim, &out)
            } else if isReadyOnceExecuted(process, aim) {
                becameReady(id, "its program runs", &aim, &out)
            }
        case .ready, .swappedOut, .stopping, .departing:
            break
        }
    }

    /// Nothing else would tell that it is ready.
    private func isReadyOnceExecuted(_ process: Process, _ aim: Aim) -> Bool {
        !aim.check(of: process).isWanted && aim.rules.heartbeat == .zero
    }

    mutating func beat(_ id: WorkerID, _ aim: Aim, _ now: Instant) {
        edit(id, isSaved: false) { $0.pulse.beat(now, limit: aim.rules.heartbeat) }
    }

    // MARK: readiness

    mutating func becameReady(_ id: WorkerID, _ why: String, _ aim: inout Aim, _ out: inout Outbox) {
        guard let (role, found) = role(of: id) else { return }
        var process = found
        process.readyAt = out.now
        switch role {
        case .starting:
            actual = .ready(process, Service())
            settle(why, &aim, &out)
        case .swappedIn(let old, .starting):
            if aim.trial != nil {
                soak(old, process, why, aim, &out)
            } else {
                takeOver(from: old, process, why, &aim, &out)
            }
        case .swappedIn(_, .soaking), .swappedIn(_, .proving), .ready, .swappedOut, .stopping, .departing:
            break
        }
    }

    /// The new process of a swap takes the place of the old one.
    mutating func takeOver(
        from old: Process, _ new: Process, _ why: String, _ aim: inout Aim, _ out: inout Outbox
    ) {
        // Before the link moves: the keeper takes over no socket on which a leaving process still answers.
        depart(old, drains: true, aim, &out)
        serveAtOnce(new, why, &aim, &out)
    }

    /// The new process of a swap is the only one now.
    mutating func serveAtOnce(_ new: Process, _ why: String, _ aim: inout Aim, _ out: inout Outbox) {
        actual = .ready(new, Service())
        settle(why, &aim, &out)
    }

    /// A process has become ready: customers are sent to it, if they may be.
    private mutating func settle(_ why: String, _ aim: inout Aim, _ out: inout Outbox) {
        guard case .ready(var process, let service) = actual else { return }
        process.isArriving = false
        actual = .ready(process, service)
        isBeingReplaced = false
        out.emit(.welcome(process.id, socket: process.socket, nice: aim.limits.nice))
        health = nil
        failedPlan = nil
        swapFailure = nil
        let took = (out.now - process.startedAt).milliseconds.rounded()
        out.note("ready after \(Int(took)) ms: \(why)", rule: "ready", user: name, weight: aim.crowdWeight)
        if aim.wanted.isServed {
            serve(process, &out)
            orderCheck(process, awaitsReady: false, aim, &out)
        }
        soakServing(&aim, out.now)
        reconcile(&aim, &out)
    }

    /// A worker that ran on while its database was away serves again after a passed check.
    mutating func comeBack(_ aim: inout Aim, _ out: inout Outbox) {
        guard case .ready(let process, _) = actual else { return }
        editService { $0.comeback = .none }
        guard process.plan.database == database, face?.standIn != nil, aim.wanted == .up else { return }
        guard aim.check(of: process).isWanted else { return serve(process, &out) }
        edit(process.id, isSaved: false) { $0.isArriving = true }
        editService { [now = out.now] in $0.comeback = .checked(by: now + aim.rules.readyTimeout) }
        orderCheck(process, awaitsReady: true, aim, &out)
    }

    /// The process that was awaited has not become ready, or has not passed, in its time.
    mutating func notReadyInTime(_ aim: inout Aim, _ out: inout Outbox) -> Answer? {
        let why = "not ready within \(aim.rules.readyTimeout.setting)"
        switch actual {
        case .starting(var start):
            if aim.wanted == .up {
                abort(start.process, why, &out)
            } else {
                start.readyBy = out.now + aim.rules.readyTimeout
                actual = .starting(start)
            }
        case .ready(let process, _):
            editService { $0.comeback = .none }
            if face?.standIn != nil, aim.wanted == .up { abort(process, why, &out) }
        case .swapping(let old, let new):
            abandon(new.process, keeping: old, aim, &out)
            return swapGivenUp(new.process.plan, new.isOnTrial ? "no check passed after its soak" : why)
        case .absent, .queued, .stopping, .waiting:
            break
        }
        return nil
    }
}
