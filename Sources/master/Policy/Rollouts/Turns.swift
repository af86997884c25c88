// What a turn in a rollout changes about a user, and how it comes out.

import Shared

extension Supervisor {
    /// Whether a user's turn has to come.
    func isDue(_ user: User) -> Bool {
        guard let rollout = upgrade.rollout, rollout.isRolling, !user.isDeleted, isAddressed(user) else { return false }
        switch rollout.target {
        case .package(let version):
            return follows(user.settings) && user.version != nil && user.version != version
        case .settings:
            guard !user.hasNewSettings else { return false }
            var changed = user
            changed.hasNewSettings = true
            var (present, next) = (aim(of: user), aim(of: changed))
            return next.outline(for: changed).plan != present.outline(for: user).plan
        }
    }

    /// A pinned user is none of a version's business.
    func isAddressed(_ user: User) -> Bool {
        upgrade.rollout?.target == .settings || user.settings.package == nil
    }

    /// Whether there is something to which the user goes back.
    func goesBack(_ user: User) -> Bool {
        switch upgrade.rollout?.target {
        case .package: user.formerVersion != nil
        case .settings: upgrade.newSettings?.former != nil && (user.hasNewSettings || user.keptPlan != nil)
        case nil: false
        }
    }

    /// Whether the user is served by a process of what it is to run, be it new or former.
    func runsAsWanted(_ user: User) -> Bool {
        guard case .ready(let process, _) = user.actual else { return false }
        switch upgrade.rollout?.target {
        case .package:
            return process.version == user.version
        case .settings, nil:
            var aim = aim(of: user)
            return !user.isOutdated(process, &aim)
        }
    }

    /// Whether a process of this user runs what the rollout brings.
    private func isOfRollout(_ process: Process, _ name: UserName) -> Bool {
        switch upgrade.rollout?.target {
        case nil: return false
        case .package(let version): return process.version == version
        case .settings:
            guard let user = users[name] else { return false }
            var aim = aim(of: user)
            return user.runs(.settings, process, &aim)
        }
    }

    /// Its turn has come.
    mutating func change(_ name: UserName) {
        guard let rollout = upgrade.rollout, rollout.isRolling else { return goBack(name) }
        edit(name) { $0.take(rollout.target) }
        advance(name) { user, aim, out in
            user.tryAgain()
            user.reconcile(&aim, &out)
            // It may run there already: what was to bring it back has not happened yet.
            user.soakServing(&aim, out.now)
        }
    }

    mutating func goBack(_ name: UserName) {
        guard let user = users[name] else { return }
        if let former = user.formerVersion, user.runningVersion != former, versions.objection(to: former) == .gone {
            edit(name) { $0.formerVersion = nil }
            return out.note("stays on \(user.version ?? ""): \(former) is gone", rule: "upgrade", user: name)
        }
        revert(name)
        advance(name) { user, aim, out in
            user.tryAgain()
            user.reconcile(&aim, &out)
        }
    }

    mutating func revert(_ name: UserName) {
        guard let target = upgrade.rollout?.target else { return }
        let knowsFormer = upgrade.newSettings?.former != nil
        edit(name) { $0.revert(target, knowsFormer: knowsFormer) }
    }

    // MARK: how it came out

    /// What the rollout brings does not work for a user on trial: it goes back at once.
    ///
    /// - Returns: whether it was on trial.
    mutating func trialFailed(_ name: UserName, _ why: String) -> Bool {
        guard let user = users[name], let target = trial(user) else { return false }
        revert(name)
        edit(name) { $0.upgradeFailure = "\(target) failed: \(why)" }
        out.note("\(target) failed: \(why)", rule: "upgrade-failed", user: name, weight: .warning)
        if user.database == nil {
            upgrade.rollout?.failed(name, why)
        } else {
            let (now, doubtTime) = (now, doubtTime)
            upgrade.rollout?.doubted(name, why, doubtTime: doubtTime, now)
        }
        keepUpgrade()
        return true
    }

    /// A process has died: a failure, or a step on the way back.
    mutating func diedOnTheWay(_ name: UserName, _ death: Death) {
        guard isOfRollout(death.process, name), let rollout = upgrade.rollout else { return }
        if rollout.isRolling { _ = trialFailed(name, death.cause) } else { revert(name) }
    }

    /// One that has been changed dies again and again.
    mutating func relapsed(_ name: UserName, _ death: Death) {
        guard let rollout = upgrade.rollout, rollout.isRolling, let user = users[name], isChanged(user, rollout),
            isOfRollout(death.process, name), upgrade.rollout?.relapsed(name) == true
        else { return }
        _ = trialFailed(name, "crash loop, \(death.cause)")
    }

    /// Whether the turn has come, and nothing was wrong with it since.
    private func isChanged(_ user: User, _ rollout: Rollout) -> Bool {
        switch rollout.target {
        case .package(let version): user.formerVersion != nil && user.version == version
        case .settings: user.hasNewSettings
        }
    }

    /// As long as it takes to notice that a database is gone.
    private var doubtTime: Duration { configuration.databaseCheck.interval + configuration.databaseCheck.timeout }

    /// By now it is known whether a database was away.
    mutating func judgeDoubts() {
        let (now, doubtTime) = (now, doubtTime)
        for (name, doubt) in upgrade.rollout?.ripeDoubts(doubtTime: doubtTime, now) ?? [] {
            guard let user = users[name] else {
                upgrade.rollout?.remove(name)
                continue
            }
            let row = user.database.flatMap { databases[$0] }
            let hasTurned = row?.before != nil && row.map { doubt.since - $0.changedAt <= doubtTime } == true
            let condition = DatabaseCondition(databases.service(user.database, now))
            let isExcused = condition != .fine || hasTurned
            if isExcused { out.note("does not count: database \(user.database ?? "")", rule: "upgrade", user: name) }
            upgrade.rollout?.judged(name, user.settings.plan, isExcused: isExcused)
        }
        keepUpgrade()
    }
}
