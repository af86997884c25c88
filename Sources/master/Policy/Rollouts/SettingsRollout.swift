// Worker settings of another configuration, until they have proved themselves.
//
// Worker settings are `PlanSettings`: `worker.command`, `worker.env`, `worker.limits` except memory, and `run_as`. A
// change for few users is in force at once. A change that would swap more users than the gate allows reaches them by
// the rollout machine of versions: canaries, paying users, the rest, each gated by readiness, soak and a passed check
// on a socket of its own. `upgrade` in the file says how; `steward upgrade` shows, pauses, resumes and aborts it. It
// needs no `--yes`. Everything else in the file is in force at once. Until its turn a user is planned by the former
// settings (`planSettings`), also after a crash or after a change of its own file. So are new users.
//
// - If they fail: users that were changed go back, and all users, new ones included, stay on the former settings.
//   There is one alert, and `status` says why, until the file changes (any change is a new attempt) or `steward reload
//   --yes`. If fewer than `max_failures` fail, the other users get the settings, and those that failed keep their
//   processes until their next start.
// - If the file changes meanwhile: the newest settings begin anew. A user with the settings in between keeps its
//   process until its turn, so no user is swapped twice for nothing. If too few users are left to need a rollout, they
//   are swapped at once.
// - Versions and settings wait for the end of each other's rollout.
// - The next master knows the file, but not the former settings, which are kept nowhere. A user whose process runs by
//   another plan is left alone (`keptPlan`) until pathwatch has reported all users. Then, if they are more than the
//   gate allows, they are changed by a rollout again, otherwise at once. If that rollout fails, there is nothing to go
//   back to: it stops, and users that have not been changed run on as before. But users that crash, that are changed
//   by their own file, or that are new start by the file's settings. A pause, an abort and a failure are forgotten
//   with their master: the canary is tried once more.

import Shared

extension Supervisor {
    /// The settings of the configuration are in force for all users.
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

    /// No user has the settings of the configuration yet. Users that have neither these nor the former ones keep
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

    /// Users that run by other settings than the file's are decided about when all users are known.
    mutating func keepAsFound(_ name: UserName) {
        guard !deletions.isComplete, let user = users[name], user.isReady, let process = user.actual.first,
            process.version == user.version
        else { return }
        var aim = aim(of: user)
        if user.mayReplace(process, &aim), aim.isAtHome(process) { edit(name) { $0.keptPlan = process.plan } }
    }

    /// All users are known: few are changed at once, many by a rollout.
    mutating func judgeFound() {
        let count = users.values.count { $0.keptPlan != nil }
        guard upgrade.newSettings == nil, count > 0 else { return }
        if count > gate.limit(of: users.count) {
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
            let fate = settings.former == nil ? "users without them run on as before" : "the former ones stay"
            return "new worker settings failed: \(failure); \(fate) until the file changes or `steward reload --yes`"
        }
        guard let rollout = upgrade.rollout, rollout.target != .settings else { return nil }
        return "new worker settings wait for the end of the upgrade to \(rollout.target)"
    }
}
