// The next step from what is there to what is wanted.

import Shared

extension User {
    /// Takes the next step towards the aim; nothing where they agree.
    mutating func reconcile(_ aim: inout Aim, _ out: inout Outbox) {
        guard !aim.isEnding, !isDeleted else { return }
        switch aim.wanted {
        case .up: raise(&aim, &out)
        case .down(let reason): lower(reason, aim, &out)
        }
    }

    private mutating func raise(_ aim: inout Aim, _ out: inout Outbox) {
        switch actual {
        case .absent:
            if mayStart(aim) { actual = .queued }
            ensureFace(&out)
        case .queued:
            // It may have been moved to another database since.
            if !mayStart(aim) { actual = .absent }
        case .stopping, .waiting:
            break
        case .starting(let start):
            guard isOutdated(start.process, &aim) else { return }
            // A process that is not ready yet has old settings: another takes its place when it is gone.
            out.note("settings changed while it was starting", rule: "moduser", user: name)
            departForSuccessor(start.process, aim, &out)
        case .ready(let process, let service):
            if mayReplace(process, &aim) {
                replace(process, aim, &out)
            } else if face?.standIn != nil, service.comeback == .none {
                editService { $0.comeback = .queued }
            }
        case .swapping(let old, let new):
            guard isOutdated(new.process, &aim) else { return }
            abandon(new.process, keeping: old, aim, &out)
            raise(&aim, &out)
        }
    }

    /// Whether there is a reason to replace the process by another one, and something to replace it by.
    func mayReplace(_ process: Process, _ aim: inout Aim) -> Bool {
        let isDue = swapRequest != nil || isOutdated(process, &aim) && aim.identity != failedPlan
        return isDue && aim.hasVersion
    }

    /// Whether a process does not run as its user is to be run. How to run a version that this master has never seen is
    /// not known: its processes are left alone.
    func isOutdated(_ process: Process, _ aim: inout Aim) -> Bool {
        if aim.isVersionUnseen || isLeftAlone(process) { return !aim.isAtHome(process) }
        return process.plan != aim.identity
    }

    /// Whether a process runs on as it is, although it is not as the user's plan says.
    func isLeftAlone(_ process: Process) -> Bool {
        !hasNewSettings && process.plan == keptPlan
    }

    /// Two processes of one user must never write to two databases, nor run beside each other where that is not wanted.
    private func mayStart(_ aim: Aim) -> Bool {
        aim.hasVersion
            && departing.values.allSatisfy { aim.rules.swap == .overlap && aim.isAtHome($0.process) }
    }

    private mutating func replace(_ process: Process, _ aim: Aim, _ out: inout Outbox) {
        if aim.rules.swap == .stopFirst || !aim.isAtHome(process) {
            swapRequest = nil
            standIn(.restarting, &out)
            departForSuccessor(process, aim, &out)
        } else {
            editService { $0.wantsSuccessor = true }
        }
    }

    private mutating func lower(_ reason: DownReason, _ aim: Aim, _ out: inout Outbox) {
        switch reason {
        case .databaseUnknown:
            // A swap that master has adopted goes on.
            if case .swapping = actual { break }
            withdraw(aim, &out)
            ensureFace(&out)
        case .databaseUnavailable(let why):
            if face?.standIn != .database {
                out.note("answered by the stand-in: \(why)", rule: "database", user: name, weight: .crowd)
            }
            withdraw(aim, &out)
            standIn(.database, &out)
            releasePlace()
            guard case .ready(let process, _) = actual else { break }
            edit(process.id, isSaved: false) { $0.isArriving = false }
            editService { $0.comeback = .none }
            out.emit(.forget(process.id))
        case .noDatabase:
            withdraw(aim, &out)
            standIn(.database, &out)
            endProcess(aim, &out)
        case .held, .disabled:
            withdraw(aim, &out)
            standIn(reason == .disabled ? .disabled : .held, &out)
            endProcess(aim, &out)
        }
    }

    /// Takes back what has only been planned.
    private mutating func withdraw(_ aim: Aim, _ out: inout Outbox) {
        isBeingReplaced = false
        switch actual {
        case .queued, .waiting:
            actual = .absent
        case .swapping(let old, let new):
            abandon(new.process, keeping: old, aim, &out)
        case .ready:
            editService { service in
                service.wantsSuccessor = false
                if service.comeback == .queued { service.comeback = .none }
            }
        case .absent, .starting, .stopping:
            break
        }
    }

    private mutating func endProcess(_ aim: Aim, _ out: inout Outbox) {
        switch actual {
        case .starting(let start): leave(start.process, drains: true, aim, &out)
        case .ready(let process, _): leave(process, drains: true, aim, &out)
        case .absent, .queued, .swapping, .stopping, .waiting: break
        }
    }

    // MARK: orders of the operator, and changes

    mutating func hold(_ reason: String, _ aim: inout Aim, _ out: inout Outbox) {
        out.note("held: \(reason)", rule: "hold", user: name)
        reconcile(&aim, &out)
    }

    mutating func release(_ aim: inout Aim, _ out: inout Outbox) {
        history.reset()
        out.note("released", rule: "release", user: name)
        reconcile(&aim, &out)
    }

    mutating func restart(_ aim: inout Aim, _ out: inout Outbox) {
        out.note("restart asked for", rule: "restart", user: name)
        tryAgain()
        if case .ready = actual { swapRequest = "restart asked for" }
        reconcile(&aim, &out)
    }

    /// New settings are a new chance: a delay ends, a failed swap is forgotten.
    mutating func tryAgain() {
        failedPlan = nil
        swapFailure = nil
        guard case .waiting = actual else { return }
        history.reset()
        actual = .absent
    }

    /// Does what a change of its settings, or of the configuration, means.
    mutating func carryOut(_ consequence: Consequence, _ aim: inout Aim, _ out: inout Outbox) {
        guard consequence != .nothing else { return reconcile(&aim, &out) }
        if consequence == .swap, aim.isVersionUnseen, case .ready = actual {
            // It cannot be told that its process runs by another plan.
            swapRequest = "settings changed"
        }
        tryAgain()
        refreshChecks(aim, &out)
        reconcile(&aim, &out)
    }

    /// A swap that waits for its place would begin in the former mode.
    mutating func swapModeChanged(_ aim: inout Aim, _ out: inout Outbox) {
        standDown()
        reconcile(&aim, &out)
    }

    /// Replaces a worker that was started while there was no folder.
    mutating func returnToFolder(lostAt: Instant, _ aim: inout Aim, _ out: inout Outbox) {
        guard case .ready(let process, _) = actual, process.startedAt >= lostAt, process.version == nil else { return }
        swapRequest = "its folder is there again"
        reconcile(&aim, &out)
    }
}
