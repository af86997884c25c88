// Worker settings of another configuration, until they have proved themselves.
//
// A change for few is in force at once; one for many reaches them by a rollout. Until its turn a user is planned by the
// former settings. A master that has just begun does not know those: whose process runs by others than the file's is left
// alone until its turn.

import Shared

/// Worker settings of the configuration that not everybody has yet.
package struct NewSettings: Equatable, Sendable {
    /// Those that were in force before; nil where only an earlier master knew them.
    let former: PlanSettings?
    /// Why they are not tried any more.
    var failure: String?

    /// Whether they are on their way, or wait for the end of another upgrade.
    package var isTried: Bool { failure == nil }
}

/// More users than this are not changed at once.
struct Gate: Equatable, Sendable {
    var fewest = 5
    var share = 0.1

    func isShut(for count: Int, of users: Int) -> Bool {
        count > max(fewest, Int(share * Double(users)))
    }
}

extension Supervisor {
    func planSettings(_ user: User) -> PlanSettings {
        guard !user.hasNewSettings, let former = upgrade.newSettings?.former else { return PlanSettings(configuration) }
        return former
    }

    /// Whether a process runs on as it is, although it is not as the user's plan says.
    func isLeftAlone(_ process: Process, _ user: User) -> Bool {
        !user.hasNewSettings && process.plan == user.keptPlan
    }

    /// Those of the configuration are in force for everybody.
    ///
    /// - Parameter failures: whose present processes stay nevertheless.
    mutating func takeSettings(failures: [UserName: String] = [:]) {
        upgrade.newSettings = nil
        for name in users.keys {
            users[name]?.hasNewSettings = false
            users[name]?.keptPlan = nil
        }
        for (name, why) in failures {
            guard let user = users[name] else { continue }
            let failed = plan(for: user).identity
            users[name]?.failedPlan = failed
            users[name]?.swapFailure = why
        }
    }

    /// Nobody has those of the configuration yet. Who had some that are neither these nor the former ones keeps its
    /// process.
    mutating func putOffSettings(former: PlanSettings?) {
        upgrade.newSettings = NewSettings(former: former)
        for (name, user) in users where user.hasNewSettings {
            users[name]?.hasNewSettings = false
            users[name]?.keptPlan = user.actual.processes.first?.plan
        }
    }

    /// The operator wants to see them tried again.
    mutating func retrySettings() {
        guard upgrade.newSettings?.isTried == false else { return }
        upgrade.newSettings?.failure = nil
        note("new worker settings are tried again", rule: "reload")
    }

    // MARK: what an earlier master has left

    /// Whoever runs by other settings than the file's is decided about when everybody is known.
    mutating func keepAsFound(_ user: inout User) {
        let serving: Process? =
            switch user.actual {
            case .ready(let process), .swapping(let process, _): process
            case .absent, .queued, .starting, .stopping, .waiting: nil
            }
        guard reported != nil, let process = serving, process.version == user.version else { return }
        guard mayReplace(process, user), isAtHome(process, user) else { return }
        user.keptPlan = process.plan
    }

    /// Everybody is known: few are changed at once, many by a rollout.
    mutating func judgeFound() {
        let count = users.values.count { $0.keptPlan != nil }
        guard upgrade.newSettings == nil, count > 0 else { return }
        if gate.isShut(for: count, of: users.count) {
            putOffSettings(former: nil)
            note("\(count) users run by other settings than the file's", rule: "adopt")
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
