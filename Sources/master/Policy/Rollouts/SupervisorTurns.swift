// What a turn in a rollout changes about a user.
//
// How far a rollout has come is seen from the users themselves. Of a version: `version` is what a user is to run,
// `formerVersion` what it ran before, and the next master finds both. Of settings: `hasNewSettings`.

import Shared

extension Supervisor {
    /// Whether a user's turn has to come.
    func isDue(_ user: User) -> Bool {
        guard let rollout = upgrade.rollout, rollout.isRolling, !user.isDeleted, isAddressed(user) else { return false }
        switch rollout.target {
        case .package(let version):
            return follows(user.settings) && user.version != nil && user.version != version
        case .settings:
            var changed = user
            changed.hasNewSettings = true
            return !user.hasNewSettings && aim(changed).plan != aim(user).plan
        }
    }

    /// A pinned user is none of a version's business.
    func isAddressed(_ user: User) -> Bool {
        upgrade.rollout?.target == .settings || user.settings.package == nil
    }

    /// Whether the turn has come, and nothing was wrong with it since.
    func isChanged(_ user: User) -> Bool {
        switch upgrade.rollout?.target {
        case .package(let version): user.formerVersion != nil && user.version == version
        case .settings: user.hasNewSettings
        case nil: false
        }
    }

    /// Whether there is something to which the user goes back.
    func goesBack(_ user: User) -> Bool {
        switch upgrade.rollout?.target {
        case .package: user.formerVersion != nil
        case .settings: upgrade.newSettings?.former != nil && (user.hasNewSettings || user.keptPlan != nil)
        case nil: false
        }
    }

    /// Whether a process runs what the rollout brings.
    func isOfRollout(_ process: Process, _ user: User) -> Bool {
        switch upgrade.rollout?.target {
        case .package(let version): process.version == version
        case .settings: user.hasNewSettings && process.plan == plan(for: user).identity
        case nil: false
        }
    }

    /// Whether the user is served by a process of what it is to run, be it new or former.
    func runsAsWanted(_ user: User) -> Bool {
        guard case .ready(let process) = user.actual else { return false }
        switch upgrade.rollout?.target {
        case .package: return process.version == user.version
        case .settings, nil: return !isOutdated(process, user)
        }
    }

    mutating func change(_ user: inout User) {
        guard let rollout = upgrade.rollout, rollout.isRolling else { return goBack(&user) }
        switch rollout.target {
        case .package(let version):
            user.formerVersion = user.formerVersion ?? user.version
            user.version = version
        case .settings:
            user.hasNewSettings = true
        }
        user.upgradeFailure = nil
        retryWithNewSettings(&user)
        reconcile(&user)
        // It may run there already: what was to bring it back has not happened yet.
        if case .ready(let process) = user.actual { soakServing(user, process) }
    }

    mutating func goBack(_ user: inout User) {
        if let former = user.formerVersion, user.runningVersion != former, packages.objection(to: former) == .gone {
            user.formerVersion = nil
            return note("stays on \(user.version ?? ""): \(former) is gone", rule: "upgrade", user: user.name)
        }
        revert(&user)
        retryWithNewSettings(&user)
        reconcile(&user)
    }

    mutating func revert(_ user: inout User) {
        switch upgrade.rollout?.target {
        case .package:
            user.version = user.formerVersion ?? user.version
            user.formerVersion = nil
        case .settings:
            user.hasNewSettings = false
            if upgrade.newSettings?.former != nil { user.keptPlan = nil }
        case nil:
            break
        }
    }
}
