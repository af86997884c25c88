// A new process that has to prove itself before customers are sent to it: ready, then the soak, then a passed check.

import Shared

extension User {
    /// Whether this process runs what the rollout brings, and has to prove itself.
    func isOnTrial(_ process: Process, _ aim: inout Aim) -> Bool {
        guard let trial = aim.trial else { return false }
        return runs(trial, process, &aim)
    }

    /// Whether a process runs what a rollout brings.
    func runs(_ target: Rollout.Target, _ process: Process, _ aim: inout Aim) -> Bool {
        switch target {
        case .package(let version): process.version == version
        case .settings: hasNewSettings && process.plan == aim.identity
        }
    }

    /// From its readiness on, the new process only has to run.
    mutating func soak(_ old: Process, _ new: Process, _ why: String, _ aim: Aim, _ out: inout Outbox) {
        actual = .swapping(old: old, new: .soaking(new, until: out.now + aim.rules.soak))
        // Wrong answers are told of from now on.
        orderCheck(new, awaitsReady: false, aim, &out)
        let soak = aim.rules.soak.setting
        out.note("ready on a socket of its own, soaks for \(soak): \(why)", rule: "soak", user: name)
    }

    /// A process that serves already, because no other could, has to prove itself nevertheless.
    mutating func soakServing(_ aim: inout Aim, _ now: Instant) {
        guard case .ready(let process, let service) = actual, service.soakEnd == nil, isOnTrial(process, &aim) else {
            return
        }
        // It is asked again as long as there is no answer.
        editService { [soak = aim.rules.soak] in $0.soakEnd = now + max(soak, .seconds(1)) }
    }

    /// The soak is over: one more check decides.
    mutating func soaked(_ aim: inout Aim, _ out: inout Outbox) -> Answer? {
        switch actual {
        case .swapping(let old, .soaking(let process, _)):
            guard aim.check(of: process).isWanted else { return pass(old, process, "its soak is over", &aim, &out) }
            actual = .swapping(
                old: old, new: .proving(process, checkBy: out.now + aim.rules.readyTimeout))
            out.emit(.suspect(process.id))
        case .ready(let process, _):
            editService { $0.soakEnd = nil }
            guard aim.check(of: process).isWanted else { return proved(&aim) }
            out.emit(.suspect(process.id))
        case .absent, .queued, .starting, .swapping, .stopping, .waiting:
            break
        }
        return nil
    }

    /// What dispatch says of a new process on trial.
    mutating func judgeTrial(
        _ old: Process, _ new: Process, mayPass: Bool, _ verdict: CheckVerdict, _ aim: inout Aim,
        _ out: inout Outbox
    ) -> Answer? {
        switch verdict.health {
        case .doubtful:
            return nil
        case .passing:
            return mayPass ? pass(old, new, "passed a check after its soak", &aim, &out) : nil
        case .failing:
            abandon(new, keeping: old, aim, &out)
            return swapGivenUp(new.plan, "its checks fail: \(verdict.fault)")
        }
    }

    /// What dispatch says of one that serves already.
    mutating func judgeServingTrial(
        _ process: Process, _ verdict: CheckVerdict, _ aim: inout Aim, _ now: Instant
    ) -> Answer? {
        switch verdict.health {
        case .doubtful:
            return nil
        case .passing:
            guard let readyAt = process.readyAt, now >= readyAt + aim.rules.soak else { return nil }
            return proved(&aim)
        case .failing:
            return .trialFailed(why: "its checks fail: \(verdict.fault)")
        }
    }

    private mutating func pass(
        _ old: Process, _ new: Process, _ why: String, _ aim: inout Aim, _ out: inout Outbox
    ) -> Answer? {
        let answer = proved(&aim)
        takeOver(from: old, new, why, &aim, &out)
        return answer
    }

    private func proved(_ aim: inout Aim) -> Answer? {
        guard aim.trial != nil else { return nil }
        aim.trial = nil
        return .proved
    }

    // MARK: between two versions

    /// From now on it is to run what the rollout brings.
    mutating func take(_ target: Rollout.Target) {
        switch target {
        case .package(let new):
            formerVersion = formerVersion ?? version
            version = new
        case .settings:
            hasNewSettings = true
        }
        upgradeFailure = nil
    }

    /// Back to what it ran before.
    ///
    /// - Parameter knowsFormer: whether there are former settings to go back to.
    mutating func revert(_ target: Rollout.Target, knowsFormer: Bool) {
        switch target {
        case .package:
            version = formerVersion ?? version
            formerVersion = nil
        case .settings:
            hasNewSettings = false
            if knowsFormer { keptPlan = nil }
        }
    }
}
