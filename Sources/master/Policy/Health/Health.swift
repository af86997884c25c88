// What is checked, and what follows from the verdicts, the heartbeats and the memory of a worker.

import Shared

extension User {
    // MARK: what dispatch is told

    func orderCheck(_ process: Process, awaitsReady: Bool, _ aim: Aim, _ out: inout Outbox) {
        if let order = checkOrder(process, awaitsReady: awaitsReady, aim) { out.emit(.check(order)) }
    }

    private func checkOrder(_ process: Process, awaitsReady: Bool, _ aim: Aim) -> CheckOrder? {
        let settings = aim.check(of: process)
        guard settings.isWanted else { return nil }
        var order = CheckOrder()
        order.worker = process.id
        order.socket = socketPath(process.socket, runtime: aim.rules.runtime)
        order.settings = settings
        order.awaitsReady = awaitsReady
        return order
    }

    /// What dispatch has to check for this user now.
    func checkOrders(_ aim: Aim) -> [CheckOrder] {
        switch actual {
        case .absent, .queued, .waiting, .stopping:
            return []
        case .starting(let start):
            return [checkOrder(start.process, awaitsReady: true, aim)].compactMap(\.self)
        case .ready(let process, let service):
            let isAnswered = face?.standIn != nil
            // A process that waits for its turn is not checked, because the check would have it connect.
            let isAwaited = if case .checked = service.comeback { true } else { false }
            guard aim.wanted.isServed, !isAnswered || isAwaited else { return [] }
            return [checkOrder(process, awaitsReady: isAnswered, aim)].compactMap(\.self)
        case .swapping(let old, let new):
            // Nothing would follow from a check of one for which the keeper answers.
            let present = face?.standIn == nil ? checkOrder(old, awaitsReady: false, aim) : nil
            return [present, checkOrder(new.process, awaitsReady: !new.isOnTrial, aim)].compactMap(\.self)
        }
    }

    /// The settings of the checks may have changed.
    func refreshChecks(_ aim: Aim, _ out: inout Outbox) {
        for process in actual.processes { out.emit(.forget(process.id)) }
        for order in checkOrders(aim) { out.emit(.check(order)) }
    }

    /// Its heartbeat is stale: a check tells whether it hangs.
    mutating func suspect(_ generation: UInt64, _ aim: Aim, _ out: inout Outbox) {
        let id = WorkerID(user: name, generation: generation)
        edit(id, isSaved: false) { $0.pulse.asked() }
        guard case .ready(let process, _) = actual, process.id == id else { return }
        if aim.check(of: process).isWanted, aim.wanted == .up { out.emit(.suspect(id)) }
    }

    // MARK: verdicts

    mutating func verdict(_ verdict: CheckVerdict, _ aim: inout Aim, _ out: inout Outbox) -> Answer? {
        guard let (role, process) = role(of: verdict.worker) else { return nil }
        switch role {
        case .starting, .swappedIn(_, .starting):
            if verdict.health == .passing { becameReady(process.id, "passed a check", &aim, &out) }
            return nil
        case .swappedIn(let old, .soaking(_, let until)):
            return judgeTrial(old, process, mayPass: out.now >= until, verdict, &aim, &out)
        case .swappedIn(let old, .proving):
            return judgeTrial(old, process, mayPass: true, verdict, &aim, &out)
        case .ready:
            return judge(process, verdict, &aim, &out)
        case .swappedOut, .stopping, .departing:
            return nil
        }
    }

    private mutating func judge(
        _ process: Process, _ verdict: CheckVerdict, _ aim: inout Aim, _ out: inout Outbox
    ) -> Answer? {
        setHealth(verdict, aim.rules.restart, out.now)
        if verdict.health == .passing, face?.standIn != nil, aim.wanted == .up {
            out.note("serves again: passed a check", rule: "released", user: name, weight: .crowd)
            edit(process.id, isSaved: false) { $0.isArriving = false }
            editService { $0.comeback = .none }
            serve(process, &out)
            orderCheck(process, awaitsReady: false, aim, &out)
        }
        guard let symptom = Symptom(verdict) else { return nil }
        if isOnTrial(process, &aim) { return judgeServingTrial(process, verdict, &aim, out.now) }
        let heartbeat = process.pulse.heartbeat(out.now, limit: aim.rules.heartbeat)
        let remedy = Remedy.for(heartbeat, symptom, aim.condition)
        // A worker that is merely sick is better than none.
        guard remedy != .nothing, remedy == .abort || aim.hasVersion else { return nil }
        return complaint(Complaint(remedy: remedy, why: "checks fail: \(verdict.fault)", rule: "sick"), out.now)
    }

    /// Checks that passed long enough end a row of remedies. Being ready alone does not: sick workers are ready, too.
    private mutating func setHealth(_ verdict: CheckVerdict, _ restart: RestartSettings, _ now: Instant) {
        switch verdict.health {
        case .passing:
            passingSince = passingSince ?? now
        case .doubtful, .failing:
            if let since = passingSince, now - since >= restart.resetAfter { remedies.reset() }
            passingSince = nil
        }
        health = verdict.health
        latency = verdict.latency
    }

    // MARK: memory

    mutating func measured(_ id: WorkerID, _ memory: Int, _ aim: Aim, _ now: Instant) -> Answer? {
        edit(id, isSaved: false) { $0.memory = memory }
        guard case .ready(let process, _) = actual, process.id == id, aim.wanted == .up,
            let excess = process.excess(over: aim.limits.memory)
        else { return nil }
        return complaint(Complaint(remedy: .swap, why: "too much memory: \(excess)", rule: "memory"), now)
    }

    // MARK: remedies

    /// Replacements back off as restarts do.
    private func complaint(_ complaint: Complaint, _ now: Instant) -> Answer? {
        if let remedyAfter, now < remedyAfter { return nil }
        return .isSick(complaint)
    }

    /// The user may be replaced now.
    mutating func cure(_ complaint: Complaint, _ aim: inout Aim, _ out: inout Outbox) {
        let decision = remedies.died(
            at: out.now, readySince: nil, settings: aim.rules.restart, chance: out.nextChance())
        remedyAfter = out.now + decision.delay
        switch complaint.remedy {
        case .nothing:
            break
        case .swap:
            let text = complaint.rule == "sick" ? "sick: \(complaint.why)" : complaint.why
            out.note(text, rule: complaint.rule, user: name, weight: .warning)
            swapRequest = complaint.why
            reconcile(&aim, &out)
        case .abort:
            if case .ready(let process, _) = actual { abort(process, complaint.why, &out) }
        }
    }
}

extension Process {
    /// How far it was above its limit when it was measured; nil where it was not.
    ///
    /// - Parameter limit: in bytes.
    func excess(over limit: Int) -> String? {
        guard let memory, memory > limit else { return nil }
        return "\(ByteSize.mebibytes(limit)) allowed, \(ByteSize.mebibytes(memory)) used"
    }
}

extension CheckVerdict {
    /// What was wrong, in a word or two.
    var fault: String { status.map { "status \($0)" } ?? "\(outcome)" }
}
