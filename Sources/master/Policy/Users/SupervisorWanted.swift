// What is wanted of a user, and the next step towards it.

import Shared

extension Supervisor {
    func wanted(_ user: User) -> Wanted {
        if let reason = user.hold { return .down(.held(reason)) }
        if !user.settings.enabled { return .down(.disabled) }
        guard let name = user.database, let row = databases[name] else {
            // Without databases there are none to name.
            guard !databases.isEmpty, let wish = user.settings.database else { return .up }
            return .down(.noDatabase("database \(wish) is not configured"))
        }
        switch row.state {
        case .available:
            return .up
        case .unavailable:
            let cause = row.cause ?? "unknown cause"
            return .down(.databaseUnavailable("database \(name) is unavailable: \(cause)"))
        case .unknown:
            guard let known = databasesKnownBy, now < known else { return .up }
            return .down(.databaseUnknown("waits for the first word about database \(name)"))
        }
    }

    /// Takes the next step from what is there to what is wanted; nothing where they agree.
    mutating func reconcile(_ user: inout User) {
        guard !isStopping, !user.isDeleted else { return }
        switch wanted(user) {
        case .up: raise(&user)
        case .down(let reason): lower(&user, reason)
        }
    }

    private mutating func raise(_ user: inout User) {
        switch user.actual {
        case .absent:
            if mayStart(user) { enqueue(&user) } else { ensureFace(&user) }
        case .queued:
            // It may have been moved to another database since.
            if mayStart(user) {
                enqueueStart(user)
            } else {
                dequeueStart(user.name)
                user.actual = .absent
            }
        case .stopping, .waiting:
            break
        case .starting(let process):
            if isOutdated(process, user) { stopForAnother(&user, process) }
        case .ready(let process):
            ensureMemoryRound(user)
            if mayReplace(process, user) {
                replace(&user, process)
            } else if user.face?.standIn != nil, !timers.isSet(.ready(process.id)) {
                returnQueue.append(user.name, user.settings.plan, on: user.database)
            }
        case .swapping(let old, let new):
            if isOutdated(new, user) {
                abandon(&user, new, keeping: old)
                raise(&user)
            }
        }
    }

    /// Whether there is a reason to replace the process by another one, and something to replace it by.
    func mayReplace(_ process: Process, _ user: User) -> Bool {
        let isOutdated = isOutdated(process, user) && plan(for: user).identity != user.failedPlan
        return (isOutdated || user.swapRequest != nil) && hasVersion(user)
    }

    /// Two processes of one user must never write to two databases, nor run beside each other where that is not wanted.
    private func mayStart(_ user: User) -> Bool {
        hasVersion(user)
            && user.departing.values.allSatisfy {
                configuration.worker.swap == .overlap && isAtHome($0.process, user)
            }
    }

    private mutating func enqueue(_ user: inout User) {
        user.actual = .queued
        ensureFace(&user)
        enqueueStart(user)
    }

    /// A process that is not ready yet has old settings: another takes its place when it is gone.
    private mutating func stopForAnother(_ user: inout User, _ process: Process) {
        note("settings changed while it was starting", rule: "moduser", user: user.name)
        leaveForSuccessor(&user, process)
    }

    /// Whether the process works on the user's database; the same name may have come to lead elsewhere.
    func isAtHome(_ process: Process, _ user: User) -> Bool {
        process.plan.database == user.database && process.plan.place == place(user)
    }

    private mutating func replace(_ user: inout User, _ process: Process) {
        if configuration.worker.swap == .stopFirst || !isAtHome(process, user) {
            user.swapRequest = nil
            standIn(&user, .restarting)
            leaveForSuccessor(&user, process)
        } else {
            enqueueStart(user)
        }
    }

    private mutating func lower(_ user: inout User, _ reason: DownReason) {
        switch reason {
        case .databaseUnknown:
            // A swap that master has adopted goes on.
            if case .swapping = user.actual { break }
            withdraw(&user)
            ensureFace(&user)
        case .databaseUnavailable(let why):
            if user.face?.standIn != .database {
                note("answered by the stand-in: \(why)", rule: "database", user: user.name, weight: .crowd)
            }
            withdraw(&user)
            standIn(&user, .database)
            if case .starting(let process) = user.actual { starting.remove(process.id) }
            if case .ready(let process) = user.actual {
                arrived(process)
                timers.cancel(.ready(process.id))
                emit(.forget(process.id))
            }
        case .noDatabase:
            withdraw(&user)
            standIn(&user, .database)
            endProcess(&user)
        case .held, .disabled:
            withdraw(&user)
            standIn(&user, reason == .disabled ? .disabled : .held)
            endProcess(&user)
        }
    }

    /// Takes back what has only been planned.
    private mutating func withdraw(_ user: inout User) {
        remedied(user.name)
        dequeueStart(user.name)
        returnQueue.remove(user.name)
        switch user.actual {
        case .queued:
            user.actual = .absent
        case .waiting:
            timers.cancel(.restart(user.name))
            user.actual = .absent
        case .swapping(let old, let new):
            abandon(&user, new, keeping: old)
        case .absent, .starting, .ready, .stopping:
            break
        }
    }

    private mutating func endProcess(_ user: inout User) {
        switch user.actual {
        case .starting(let process), .ready(let process): leave(&user, process)
        case .absent, .queued, .swapping, .stopping, .waiting: break
        }
    }
}
