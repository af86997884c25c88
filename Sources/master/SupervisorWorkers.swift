// The first half of a worker's life: its start, until it is ready.

import Shared

extension Supervisor {
    /// Where a process stands in its user's life.
    enum Role {
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

    func role(of id: WorkerID, _ user: User) -> (role: Role, process: Process)? {
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
    ///
    /// - Parameter isSaved: whether the change is one for the user's record.
    mutating func edit(_ id: WorkerID, isSaved: Bool = true, _ body: (inout Process) -> Void) {
        update(id.user) { supervisor, user in
            guard let (role, found) = supervisor.role(of: id, user) else { return }
            let wasUnsaved = user.isUnsaved
            defer { user.isUnsaved = isSaved || wasUnsaved }
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
        switch user.actual {
        case .queued:
            user.swapRequest = nil
            user.actual = .starting(start(&user, mayInherit: true))
            let version = user.version.map { " \($0)" } ?? ""
            note("starting\(version)", rule: "start", user: user.name, weight: crowdWeight)
        case .ready(let old):
            guard mayReplace(old, user) else { return }
            endReturn(user, old)
            let why = user.swapRequest ?? (user.version == old.version ? "settings changed" : "another version")
            user.swapRequest = nil
            user.actual = .swapping(old: old, new: start(&user, mayInherit: false))
            let version = user.version == old.version ? "" : " to \(user.version ?? "no version")"
            note("swapping\(version): \(why)", rule: "swap", user: user.name)
        case .absent, .starting, .swapping, .stopping, .waiting:
            break
        }
    }

    /// - Parameter mayInherit: whether it may take over the socket on which requests wait already. Where the keeper
    ///   answers there, it gets one of its own: its readiness is to be judged by its own answers.
    private mutating func start(_ user: inout User, mayInherit: Bool) -> Process {
        chooseVersion(&user, isStarting: true)
        let plan = plan(for: user)
        let id = user.nextID()
        var socket = id
        if mayInherit, let face = user.face, face.standIn == nil,
            !user.processes.contains(where: { $0.socket == face.socket })
        {
            socket = face.socket
        } else {
            emit(.open(socket))
        }
        let process = Process(id: id, socket: socket, plan: plan.identity, version: plan.version, startedAt: now)
        starting.insert(id)
        arrives(process)
        timers.set(.ready(id), at: now + configuration.worker.readyTimeout)
        timers.set(.place(id), at: now + Self.placeTime)
        // A crowd can wait for those who serve; the restart of one user cannot.
        emit(.start(id, socket: socket, feasible(plan, user), gently: isCrowded))
        return process
    }

    mutating func started(_ id: WorkerID, _ pid: Int32) {
        edit(id) { $0.pid = pid }
        users[id.user]?.startTrouble = nil
    }

    mutating func startFailed(_ id: WorkerID, _ why: String) {
        edit(id) { $0.failure = why }
        ended(id, why)
    }

    mutating func executed(_ id: WorkerID) {
        guard let user = users[id.user], let (role, process) = role(of: id, user) else { return }
        switch role {
        case .starting, .swappedIn:
            if checkSettings(user, process).isWanted {
                orderCheck(user, process, awaitsReady: true)
            } else if configuration.worker.heartbeat == .zero {
                becameReady(id, "its program runs")
            }
        case .ready, .swappedOut, .stopping, .departing:
            break
        }
    }

    mutating func notified(_ id: WorkerID, _ notification: Notification) {
        switch notification {
        case .ready: becameReady(id, "READY=1")
        case .heartbeat: beat(id)
        case .status(let text): edit(id, isSaved: false) { $0.ownStatus = text }
        }
    }

    private mutating func beat(_ id: WorkerID) {
        let now = now
        let limit = configuration.worker.heartbeat
        var bound: Duration?
        edit(id, isSaved: false) { process in
            process.pulse.beat(now)
            bound = process.pulse.bound(limit)
        }
        if limit > .zero, let bound { timers.set(.pulse(id), at: now + bound) }
    }

    /// Its heartbeat is stale: a check tells whether it hangs.
    mutating func suspect(_ id: WorkerID) {
        guard let user = users[id.user], case .ready(let process) = user.actual, process.id == id else { return }
        if checkSettings(user, process).isWanted, wanted(user) == .up { emit(.suspect(id)) }
    }

    // MARK: readiness

    mutating func becameReady(_ id: WorkerID, _ why: String) {
        update(id.user) { supervisor, user in
            guard let (role, found) = supervisor.role(of: id, user) else { return }
            var process = found
            process.readyAt = supervisor.now
            switch role {
            case .starting:
                user.actual = .ready(process)
                supervisor.settle(&user, process, why)
            case .swappedIn(let old):
                guard found.soakEnd == nil else { return }
                if supervisor.isOnTrial(user) {
                    supervisor.soak(&user, old, process, why)
                } else {
                    supervisor.takeOver(&user, from: old, process, why)
                }
            case .ready, .swappedOut, .stopping, .departing:
                break
            }
        }
    }

    /// The new process of a swap takes the place of the old one.
    mutating func takeOver(_ user: inout User, from old: Process, _ new: Process, _ why: String) {
        // Before the link moves: the keeper takes over no socket on which a leaving process still answers.
        depart(&user, old, drains: true)
        serveAtOnce(&user, new, why)
    }

    /// The new process of a swap is the only one now.
    mutating func serveAtOnce(_ user: inout User, _ new: Process, _ why: String) {
        var new = new
        new.soakEnd = nil
        timers.cancel(.soak(new.id))
        user.actual = .ready(new)
        settle(&user, new, why)
    }

    /// A process has become ready: customers are sent to it, if they may be.
    private mutating func settle(_ user: inout User, _ process: Process, _ why: String) {
        starting.remove(process.id)
        arrived(process)
        timers.cancel(.ready(process.id))
        remedied(user.name)
        emit(.welcome(process.id, socket: process.socket, nice: limits(user).nice))
        user.health = nil
        user.failedPlan = nil
        user.swapFailure = nil
        let took = (now - process.startedAt).milliseconds.rounded()
        note("ready after \(Int(took)) ms: \(why)", rule: "ready", user: user.name, weight: crowdWeight)
        if isServed(user) {
            serve(&user, process)
            orderCheck(user, process, awaitsReady: false)
        }
        soakServing(user, process)
        reconcile(&user)
    }

    /// A worker that ran on while its database was away serves again after a passed check.
    mutating func awaitPass(_ user: inout User, _ process: Process) {
        guard checkSettings(user, process).isWanted else { return serve(&user, process) }
        arrives(process)
        timers.set(.ready(process.id), at: now + configuration.worker.readyTimeout)
        orderCheck(user, process, awaitsReady: true)
    }

    /// One for whom the keeper answers is replaced: its successor serves next.
    private mutating func endReturn(_ user: User, _ process: Process) {
        guard user.face?.standIn != nil else { return }
        returnQueue.remove(user.name)
        arrived(process)
        timers.cancel(.ready(process.id))
        emit(.forget(process.id))
    }

    mutating func notReadyInTime(_ id: WorkerID) {
        update(id.user) { supervisor, user in
            guard let (role, process) = supervisor.role(of: id, user) else { return }
            let limit = supervisor.configuration.worker.readyTimeout
            let why = "not ready within \(limit.setting)"
            switch role {
            case .starting:
                guard supervisor.wanted(user) == .up else {
                    supervisor.timers.set(.ready(id), at: supervisor.now + limit)
                    return
                }
                supervisor.abort(&user, process, why)
            case .ready:
                if user.face?.standIn != nil, supervisor.wanted(user) == .up { supervisor.abort(&user, process, why) }
            case .swappedIn(let old):
                supervisor.abandon(&user, process, keeping: old)
                let cause = process.soakEnd == nil ? why : "no check passed after its soak"
                supervisor.swapFailed(&user, process.plan, cause)
            case .swappedOut, .stopping, .departing:
                break
            }
        }
    }
}
