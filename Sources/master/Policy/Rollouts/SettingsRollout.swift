// Worker settings of another configuration, until they have proved themselves.
//
// A change for few is in force at once; one for many reaches them by a rollout. Until its turn a user is planned by the
// former settings. A master that has just begun does not know those: a user whose process runs by others than the file's
// is left alone until its turn.

import Shared

extension Supervisor {
    /// Those of the configuration are in force for everybody.
    ///
    /// - Parameter failures: users whose present processes stay nevertheless.
    mutating func takeSettings(failures: [UserName: String] = [:]) {
        upgrade.newSettings = nil
        for name in users.keys.sorted() {
            edit(name) { ($0.hasNewSettings, $0.keptPlan) = (false, nil) }
        }
        for (name, why) in failures {
            guard let user = users[name] else { continue }
            var aim = aim(of: user)
            let failed = aim.identity
            edit(name) { ($0.failedPlan, $0.swapFailure) = (failed, why) }
        }
    }

    /// No user has those of the configuration yet. Those who had some that are neither these nor the former ones keep
    /// their process.
    mutating func putOffSettings(former: PlanSettings?) {
        upgrade.newSettings = NewSettings(former: former)
        for (name, user) in users where user.hasNewSettings {
            edit(name) { ($0.hasNewSettings, $0.keptPlan) = (false, user.actual.first?.plan) }
        }
    }

    /// The operator wants to see them tried again.
    mutating func retrySettings() {
        guard upgrade.newSettings?.isTried == false else { return }
        upgrade.newSettings?.failure = nil
        out.note("new worker settings are tried again", rule: "reload")
    }

    // MARK: what an earlier master has left

    /// Users who run by other settings than the file's are decided about when everybody is known.
    mutating func keepAsFound(_ name: UserName) {
        guard !deletions.isComplete, let user = users[name], user.isReady, let process = user.actual.first,
            process.version == user.version
        else { return }
        var aim = aim(of: user)
        if user.mayReplace(process, &aim), aim.isAtHome(process) { edit(name) { $0.keptPlan = process.plan } }
    }

    /// Everybody is known: few are changed at once, many by a rollout.
    mutating func judgeFound() {
        let count = users.values.count { $0.keptPlan != nil }
        guard upgrade.newSettings == nil, count > 0 else { return }
        if gate.isShut(for: count, of: users.count) {
            putOffSettings(former: nil)
            out.note("\(count) users run by other settings than the file's", rule: "adopt")
        } else {
            takeSettings()
            reconcileAll()
        }
    }

    // MARK: for the operator

    package var settingsNotice: String? {
        guard let settings = upgrade.newSettings else { return nil }
        if let failure = settings.failure {
            let fate = settings.former == nil ? "who has not got them runs on as before" : "the former ones stay"
            return "new worker settings failed: \(failure); \(fate) until the file changes or `steward reload --yes`"
        }
        guard let rollout = upgrade.rollout, rollout.target != .settings else { return nil }
        return "new worker settings wait for the end of the upgrade to \(rollout.target)"
    }
}
