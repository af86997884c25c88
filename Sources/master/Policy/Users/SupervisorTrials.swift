// A new process that has to prove itself beside the old one before customers are sent to it: ready, then the soak, then
// a passed check.

import Shared

extension Supervisor {
    /// From its readiness on, the new process only has to run.
    mutating func soak(_ user: inout User, _ old: Process, _ new: Process, _ why: String) {
        let soak = configuration.upgrade.soak
        var new = new
        new.soakEnd = now + soak
        user.actual = .swapping(old: old, new: new)
        starting.remove(new.id)
        timers.cancel(.ready(new.id))
        timers.set(.soak(new.id), at: now + soak)
        // Wrong answers are told of from now on.
        orderCheck(user, new, awaitsReady: false)
        note("ready on a socket of its own, soaks for \(soak.setting): \(why)", rule: "soak", user: user.name)
    }

    /// One who serves already, as nobody else could, has to prove itself nevertheless.
    mutating func soakServing(_ user: User, _ process: Process) {
        guard isOnTrial(user), isOfRollout(process, user), !timers.isSet(.soak(process.id)) else { return }
        // It is asked again as long as there is no answer.
        timers.set(.soak(process.id), at: now + max(configuration.upgrade.soak, .seconds(1)))
    }

    /// What dispatch says of one who serves already.
    mutating func judgeServingTrial(_ user: inout User, _ process: Process, _ verdict: CheckVerdict) {
        switch verdict.health {
        case .doubtful:
            break
        case .passing:
            if let readyAt = process.readyAt, now >= readyAt + configuration.upgrade.soak { proved(&user) }
        case .failing:
            _ = upgradeFailed(&user, "its checks fail: \(verdict.fault)")
            reconcile(&user)
        }
    }

    /// The soak is over: one more check decides.
    mutating func soaked(_ id: WorkerID) {
        update(id.user) { supervisor, user in
            guard let (role, process) = supervisor.role(of: id, user) else { return }
            let isChecked = supervisor.checkSettings(user, process).isWanted
            switch role {
            case .swappedIn where isChecked:
                supervisor.timers.set(.ready(id), at: supervisor.now + supervisor.configuration.worker.readyTimeout)
                supervisor.emit(.suspect(id))
            case .swappedIn(let old):
                supervisor.proved(&user)
                supervisor.takeOver(&user, from: old, process, "its soak is over")
            case .ready where isChecked:
                supervisor.emit(.suspect(id))
            case .ready:
                supervisor.proved(&user)
            case .starting, .swappedOut, .stopping, .departing:
                break
            }
        }
    }

    /// What dispatch says of a new process on trial.
    mutating func judgeTrial(_ id: WorkerID, _ verdict: CheckVerdict) {
        update(id.user) { supervisor, user in
            guard case .swapping(let old, let new) = user.actual, new.id == id, let end = new.soakEnd else { return }
            switch verdict.health {
            case .doubtful:
                break
            case .passing:
                guard supervisor.now >= end else { return }
                supervisor.proved(&user)
                supervisor.takeOver(&user, from: old, new, "passed a check after its soak")
            case .failing:
                supervisor.abandon(&user, new, keeping: old)
                supervisor.swapFailed(&user, new.plan, "its checks fail: \(verdict.fault)")
            }
        }
    }

    // MARK: how it came out

    mutating func proved(_ user: inout User) {
        guard isOnTrial(user) else { return }
        upgrade.rollout?.finished(user.name)
    }

    /// The version does not work for a user who is between two versions: it goes back at once.
    ///
    /// Answers whether that was so.
    mutating func upgradeFailed(_ user: inout User, _ why: String) -> Bool {
        guard isOnTrial(user), let target = upgrade.rollout?.target else { return false }
        revert(&user)
        user.upgradeFailure = "\(target) failed: \(why)"
        note("\(target) failed: \(why)", rule: "upgrade-failed", user: user.name, weight: .warning)
        upgrade.rollout?.failed(user.name, why, isDoubtful: user.database != nil, now)
        if user.database != nil { timers.set(.doubts, at: now + doubtTime) }
        keepUpgrade()
        return true
    }

    /// A process has died: a failure, or a step on the way back.
    mutating func diedOnTheWay(_ user: inout User, _ process: Process, _ why: String) {
        guard let rollout = upgrade.rollout, isOfRollout(process, user) else { return }
        if rollout.isRolling { _ = upgradeFailed(&user, why) } else { revert(&user) }
    }

    /// One that has been changed dies again and again.
    mutating func relapsed(_ user: inout User, _ process: Process, _ why: String) {
        guard upgrade.rollout?.isRolling == true, isOfRollout(process, user), isChanged(user) else { return }
        guard upgrade.rollout?.relapsed(user.name) == true else { return }
        _ = upgradeFailed(&user, why)
    }

    /// As long as a database takes to be noticed that is gone.
    private var doubtTime: Duration { configuration.databaseCheck.interval + configuration.databaseCheck.timeout }

    /// By now it is known whether a database was away.
    mutating func judgeDoubts() {
        for (name, doubt) in (upgrade.rollout?.doubts ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard now - doubt.since >= doubtTime else {
                timers.set(.doubts, at: doubt.since + doubtTime)
                continue
            }
            guard let user = users[name] else {
                upgrade.rollout?.remove(name)
                continue
            }
            let row = user.database.flatMap { databases[$0] }
            let hasTurned = row?.before != nil && row.map { doubt.since - $0.changedAt <= doubtTime } == true
            let isExcused = databaseCondition(user) != .fine || hasTurned
            if isExcused { note("does not count: database \(user.database ?? "")", rule: "upgrade", user: name) }
            upgrade.rollout?.judged(name, user.settings.plan, isExcused: isExcused)
        }
        keepUpgrade()
    }
}

extension CheckVerdict {
    /// What was wrong, in a word or two.
    var fault: String { status.map { "status \($0)" } ?? "\(outcome)" }
}
