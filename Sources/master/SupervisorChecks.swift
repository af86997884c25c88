// What is checked, and what follows from the verdicts.

import Shared

extension Supervisor {
    /// - Parameter process: the one that is to be checked; nil: one with the version that the user is to run.
    func checkSettings(_ user: User, _ process: Process? = nil) -> CheckSettings {
        let package = packages.manifest(of: process.map(\.version) ?? user.version)
        let usual = package?.check.applied(to: configuration.worker.check) ?? configuration.worker.check
        return user.settings.check.applied(to: usual)
    }

    mutating func orderCheck(_ user: User, _ process: Process, awaitsReady: Bool) {
        guard let order = checkOrder(user, process, awaitsReady: awaitsReady) else { return }
        // A rollout may bring the first version that is checked.
        need(.dispatch)
        emit(.check(order))
    }

    private func checkOrder(_ user: User, _ process: Process, awaitsReady: Bool) -> CheckOrder? {
        let settings = checkSettings(user, process)
        guard settings.isWanted else { return nil }
        var order = CheckOrder()
        order.worker = process.id
        order.socket = socketPath(process.socket, runtime: configuration.runtime)
        order.settings = settings
        order.awaitsReady = awaitsReady
        return order
    }

    /// Whether customers are sent to the user's worker; before the first word about its database they are, too.
    func isServed(_ user: User) -> Bool {
        switch wanted(user) {
        case .up, .down(.databaseUnknown): true
        case .down(.databaseUnavailable), .down(.noDatabase), .down(.held), .down(.disabled): false
        }
    }

    /// What dispatch has to check for this user now.
    func checkOrders(_ user: User) -> [CheckOrder] {
        switch user.actual {
        case .absent, .queued, .waiting, .stopping:
            return []
        case .starting(let process):
            return [checkOrder(user, process, awaitsReady: true)].compactMap { $0 }
        case .ready(let process):
            let isAnswered = user.face?.standIn != nil
            // Whose turn it is not yet is not checked, as the check would have it connect.
            guard isServed(user), !isAnswered || timers.isSet(.ready(process.id)) else { return [] }
            return [checkOrder(user, process, awaitsReady: isAnswered)].compactMap { $0 }
        case .swapping(let old, let new):
            // Nothing would follow from a check of one for whom the keeper answers.
            let present = user.face?.standIn == nil ? checkOrder(user, old, awaitsReady: false) : nil
            return [present, checkOrder(user, new, awaitsReady: new.soakEnd == nil)].compactMap { $0 }
        }
    }

    /// The settings of the checks may have changed.
    mutating func refreshCheck(_ user: User) {
        for process in user.actual.processes { emit(.forget(process.id)) }
        for order in checkOrders(user) { emit(.check(order)) }
    }

    mutating func verdict(_ verdict: CheckVerdict) {
        let id = verdict.worker
        guard let user = users[id.user], let (role, process) = role(of: id, user) else { return }
        switch role {
        case .swappedIn where process.soakEnd != nil:
            judgeTrial(id, verdict)
        case .starting, .swappedIn:
            if verdict.health == .passing { becameReady(id, "passed a check") }
        case .ready:
            update(id.user) { $0.judge(&$1, verdict) }
        case .swappedOut, .stopping, .departing:
            break
        }
    }

    private mutating func judge(_ user: inout User, _ verdict: CheckVerdict) {
        guard case .ready(let process) = user.actual else { return }
        setHealth(&user, verdict)
        if verdict.health == .passing, user.face?.standIn != nil, wanted(user) == .up {
            note("serves again: passed a check", rule: "released", user: user.name, weight: .crowd)
            arrived(process)
            timers.cancel(.ready(process.id))
            serve(&user, process)
            orderCheck(user, process, awaitsReady: false)
        }
        guard let check = CheckResult(verdict) else { return }
        if isOnTrial(user), isOfRollout(process, user) { return judgeServingTrial(&user, process, verdict) }
        let heartbeat = process.pulse.heartbeat(now, limit: configuration.worker.heartbeat)
        let remedy = Remedy.for(heartbeat, check, databaseCondition(user))
        // A worker that is merely sick is better than none.
        guard remedy != .nothing, remedy == .abort || hasVersion(user), mayRemedy(&user) else { return }
        let why = "checks fail: \(verdict.fault)"
        switch remedy {
        case .nothing:
            break
        case .swap:
            note("sick: \(why)", rule: "sick", user: user.name, weight: .warning)
            user.swapRequest = why
            reconcile(&user)
        case .abort:
            abort(&user, process, why)
        }
    }

    /// Checks that passed long enough end a row of remedies; merely being ready does not, as the sick are ready, too.
    private func setHealth(_ user: inout User, _ verdict: CheckVerdict) {
        switch verdict.health {
        case .passing:
            user.passingSince = user.passingSince ?? now
        case .doubtful, .failing:
            if let since = user.passingSince, now - since >= configuration.worker.restart.resetAfter {
                user.remedies.reset()
            }
            user.passingSince = nil
        }
        user.health = verdict.health
        user.latency = verdict.latency
    }

    func databaseCondition(_ user: User) -> DatabaseCondition {
        guard let row = user.database.flatMap({ databases[$0] }) else { return .fine }
        switch row.state {
        case .unavailable: return .down
        case .available, .unknown: return row.report.isInDoubt ? .inDoubt : .fine
        }
    }

    /// Whether this user may be replaced for failed checks or too much memory now: not more often than its backoff allows, and not more
    /// than a few users at a time, for more at once is the machine's trouble, or dispatch's.
    mutating func mayRemedy(_ user: inout User) -> Bool {
        if let after = user.remedyAfter, now < after { return false }
        guard !replacing.contains(user.name) else { return false }
        guard replacing.count < max(1, (users.count + 1) / 20) else {
            if !isFuseBlown {
                let text = "more than \(replacing.count) users would have to be replaced at a time: waits for those"
                note(text, rule: "check-fuse", weight: .warning)
            }
            isFuseBlown = true
            return false
        }
        let decision = user.remedies.died(
            at: now, readySince: nil, settings: configuration.worker.restart, chance: nextChance())
        user.remedyAfter = now + decision.delay
        replacing.insert(user.name)
        return true
    }

    /// The user's replacement is done, or was given up.
    mutating func remedied(_ name: UserName) {
        replacing.remove(name)
        if replacing.isEmpty { isFuseBlown = false }
    }
}
