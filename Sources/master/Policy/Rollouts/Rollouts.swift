// A new version, or other worker settings, reach their users: when a rollout begins, whose turn it is, how it ends.
//
// When another version becomes current, `Rollout` brings it to the users that follow: paying users, with
// `upgrade.free: follow` also free users, and no user that is pinned. `Rollout` says whose turn it is and when to
// stop. What a turn means for a user is decided here and in `Turns`.
//
// - Order. Paying users are first. The first `upgrade.canary` users have to be proved before any other begins. Then
//   `upgrade.parallel` users are on the way at a time. A user that is not served by a ready worker at its turn is put
//   aside until no other is left. Then a user that is held, disabled or down gets the version for its next start,
//   unproved, because there is nothing to prove it by. A user that is just starting is waited for (one look a second).
// - A turn is a swap in which the new process proves itself before the link moves (`Trial`): it is ready on a socket
//   of its own, it runs for `upgrade.soak` from then on, and it passes one check after that, within another
//   `ready_timeout`. If it is not checked, the soak is enough. With `swap: stop-first`, or if the old process dies
//   meanwhile, the new process serves while it proves itself, because no other could.
// - A failure is an exit or failing checks before the process is proved, no readiness or no check in time, or a crash
//   loop later on while the rollout lasts. The user goes back to its former version at once, and
//   `upgrade.max_failures` failures turn the rollout back. For a user with a database, the database is looked at
//   first: for an interval and a timeout of `database_check` no other user begins. If by then the database is
//   unavailable or in doubt, or if it has changed its state since the failure or within as long before it, the failure
//   does not count, and the user gets another turn. Neither does any user begin while a database that has users is not
//   available.
// - Turned back, by failures, by `abort`, or because the version is gone or was changed in place: the version is held,
//   with the reason. Users on the way go back at once. Users that have been changed go back by a plain swap,
//   `parallel` at a time, also while a database is unavailable. A user whose former version is gone stays. A held
//   version is begun by `steward upgrade start` alone, not by `current`. A name that is gone and that no user runs is
//   held no more.
// - The end. The version is in force when all users have had a turn. If fewer than `max_failures` have failed, those
//   stay on their former version. Until then, a crash of a user whose turn has not come starts the old version, and
//   users that are new or no longer pinned get what is in force.
// - Another version meanwhile takes the rollout's place. Users between two versions go back and wait for a turn to the
//   new one. Users that were changed keep, as their former version, the one from before the first rollout.
//
// How far a rollout has come is seen from the users themselves. For a version, `version` is what a user is to run and
// `formerVersion` what it ran before; the next master finds both. For settings it is `hasNewSettings`. Only one
// rollout is on its way: settings wait for the end of a version's, and the other way round.
//
// The next master goes on. STATE/upgrade holds what is in force and what is held, what `current` said last (so that a
// change while no master ran is seen), the target, whether it is paused or turned back, and the failures. How far each
// user has come is in its own record: a user with a former version has been changed if the target serves, otherwise it
// is on the way.

import Shared

extension Supervisor {
    // MARK: occasions

    /// `current` may have moved: paying users follow it, and free ones where the configuration says so.
    mutating func followCurrent() {
        guard deletions.isComplete, upgrade.rollout?.target != .settings else { return }
        guard let current = versions.current, current != upgrade.seen, versions.objection(to: current) == nil else {
            return
        }
        if let why = upgrade.see(current) {
            out.note("\(current) is current, but held: \(why)", rule: "upgrade", weight: .warning)
            return keepUpgrade()
        }
        beginRollout(to: .package(current))
    }

    /// Gives a place to all users that it is about; a rollout that is on its way already gives way to it.
    mutating func beginRollout(to target: Rollout.Target) {
        recallUnderway()
        // What a rollout has left that is not known any more tells nothing of this one.
        if upgrade.rollout == nil { forgetFormerVersions() }
        upgrade.begin(target, now)
        for name in users.keys.sorted() { joinRollout(name) }
        let count = upgrade.rollout?.total ?? 0
        if count > 0 { out.note("upgrade to \(target) begins: \(count) users", rule: "upgrade") }
        keepUpgrade()
    }

    /// Gives a user its place, where the rollout is to change it.
    mutating func joinRollout(_ name: UserName) {
        if let user = users[name], isDue(user) { upgrade.rollout?.append(name, user.settings.plan) }
    }

    /// Users between two processes go back to the former one.
    mutating func recallUnderway() {
        for name in upgrade.rollout?.underway.sorted() ?? [] { goBack(name) }
    }

    /// A user is added: a new one, or one that an earlier master has changed.
    mutating func enrol(_ name: UserName) {
        guard let user = users[name] else { return }
        guard let rollout = upgrade.rollout, case .package = rollout.target, user.formerVersion != nil else {
            return joinRollout(name)
        }
        if rollout.isRolling {
            upgrade.rollout?.begun(name)
            if runsAsWanted(user) { upgrade.rollout?.finished(name) }
        } else {
            upgrade.rollout?.append(name, user.settings.plan)
        }
    }

    /// Whether a user goes where `current` goes.
    func follows(_ settings: UserSettings) -> Bool {
        guard settings.package == nil else { return false }
        return settings.plan == .paid || configuration.upgrade.free == .follow
    }

    // MARK: turns

    /// Gives a turn to the users that may have one, and ends what is over.
    mutating func advanceRollout() {
        guard !isStopping, deletions.isComplete else { return }
        if configuration.packages == nil, upgrade.rollout?.target != .settings { upgrade.rollout = nil }
        if upgrade.rollout == nil, upgrade.newSettings?.isTried == true { beginRollout(to: .settings) }
        guard upgrade.rollout != nil else { return }
        if let why = upgradeEnd { turnBack(why) }
        for name in upgrade.rollout?.underway.sorted() ?? [] { followUnderway(name) }
        if upgradeObstacle == nil {
            let now = now
            for name in upgrade.rollout?.takeAside(now) ?? [] { reconsider(name) }
            while let name = upgrade.rollout?.next(configuration.upgrade) { turn(name) }
        }
        if upgrade.rollout?.isOver == true {
            endRollout()
            // Another one may have waited for that.
            advanceRollout()
        }
    }

    mutating func rolloutDue() {
        let now = now
        if upgrade.rollout?.expire(now) == true { judgeDoubts() }
    }

    /// Why the version is to reach no other user; nil while it may.
    private var upgradeEnd: String? {
        guard let rollout = upgrade.rollout, rollout.isRolling else { return nil }
        if rollout.isSpent(configuration.upgrade) { return rollout.verdict }
        guard versions.folderFault == nil, case .package(let version) = rollout.target else { return nil }
        return versions.objection(to: version).map { "\(version) \($0.text)" }
    }

    /// Why no user's turn comes for the moment. The way back is open at any time.
    var upgradeObstacle: String? {
        guard let rollout = upgrade.rollout, rollout.isRolling else { return nil }
        if let fault = versions.folderFault { return fault }
        if rollout.isPaused { return "paused by the operator" }
        if let (name, doubt) = rollout.doubts.min(by: { $0.key < $1.key }) {
            return "\(name) failed (\(doubt.why)): it may be its database's fault"
        }
        return databases.firstAway.map { "waits for database \($0)" }
    }

    private mutating func turn(_ name: UserName) {
        guard let rollout = upgrade.rollout, let user = users[name], !user.isDeleted else { return }
        guard rollout.isRolling ? isDue(user) : goesBack(user) else { return }
        guard case .ready = user.actual, wanted(user).isServed, user.face?.standIn == nil else {
            upgrade.rollout?.postpone(name)
            return
        }
        upgrade.rollout?.begun(name)
        change(name)
    }

    /// One that was put aside: all others have had their turn.
    private mutating func reconsider(_ name: UserName) {
        guard let user = users[name], !user.isDeleted else {
            upgrade.rollout?.remove(name)
            return
        }
        if isIdle(user) {
            change(name)
            upgrade.rollout?.finished(name)
        } else if case .ready = user.actual {
            upgrade.rollout?.append(name, user.settings.plan)
        }
    }

    /// Whether no process serves the user, or is about to: there is nothing to be lost, and nothing to be proved.
    private func isIdle(_ user: User) -> Bool {
        guard wanted(user).keepsWorker else { return true }
        return switch user.actual {
        case .absent, .waiting: true
        case .queued, .starting, .ready, .swapping, .stopping: false
        }
    }

    // MARK: between two processes

    /// What a new process of this user has to prove itself with; nil: it has not to.
    func trial(_ user: User) -> Rollout.Target? {
        guard let rollout = upgrade.rollout, rollout.isRolling, rollout.underway.contains(user.name) else { return nil }
        return rollout.target
    }

    /// Users that are held, disabled, deleted or pinned meanwhile leave the rollout, or wait for another turn.
    private mutating func followUnderway(_ name: UserName) {
        guard let user = users[name], !user.isDeleted, isAddressed(user) else {
            upgrade.rollout?.remove(name)
            return revert(name)
        }
        guard wanted(user).keepsWorker else {
            goBack(name)
            upgrade.rollout?.postpone(name)
            return
        }
        if upgrade.rollout?.isRolling == true {
            // Its own new settings may have made the old process one that has to prove itself.
            if case .ready = user.actual, wanted(user).isServed { advance(name) { $0.soakServing(&$1, $2.now) } }
        } else if runsAsWanted(user) || user.swapFailure != nil || isIdle(user) {
            // It went back, or will when it starts; nothing better is to be had.
            upgrade.rollout?.finished(name)
        }
    }

    // MARK: orders of the operator

    mutating func steerRollout(_ order: UpgradeOrder) {
        switch order {
        case .start(let version): beginRollout(to: .package(version))
        case .pause: pauseRollout(true)
        case .resume: pauseRollout(false)
        case .abort: turnBack("aborted by the operator")
        }
    }

    private mutating func pauseRollout(_ isPaused: Bool) {
        guard let rollout = upgrade.rollout, upgrade.rollout?.pause(isPaused) == true else { return }
        out.note("upgrade to \(rollout.target) \(isPaused ? "paused" : "resumed")", rule: "upgrade")
        keepUpgrade()
    }

    mutating func keepUpgrade() {
        out.emit(.keepUpgrade(KeptUpgrade(upgrade)))
    }

    // MARK: the end

    /// Stops the rollout and brings back the users that it has changed; what it was about is held.
    mutating func turnBack(_ why: String) {
        guard let rollout = upgrade.rollout, rollout.isRolling else { return }
        recallUnderway()
        upgrade.turnBack(why)
        for (name, user) in users.sorted(by: { $0.key < $1.key }) where goesBack(user) {
            upgrade.rollout?.append(name, user.settings.plan)
        }
        let count = upgrade.rollout?.waiting ?? 0
        let back = count == 0 ? "no user has to go back" : "\(count) go back"
        let text = "upgrade to \(rollout.target) stopped and held, \(back): \(why)"
        out.note(text, rule: "upgrade", weight: .warning)
        keepUpgrade()
    }

    private mutating func forgetFormerVersions() {
        for name in users.keys.sorted() where users[name]?.formerVersion != nil {
            edit(name) { $0.formerVersion = nil }
        }
    }

    private mutating func endRollout() {
        guard let rollout = upgrade.rollout else { return }
        upgrade.rollout = nil
        if rollout.isRolling {
            finish(rollout)
            let failed = rollout.failures.isEmpty ? "" : ", it failed for \(rollout.failures.count)"
            let changed = rollout.changed == 0 ? "" : ": \(rollout.changed) users changed"
            let verb = rollout.target == .settings ? "are" : "is"
            out.note("\(rollout.target) \(verb) in force\(changed)\(failed)", rule: "upgrade")
        } else {
            out.note("upgrade to \(rollout.target): rolled back", rule: "upgrade")
        }
        keepUpgrade()
        followCurrent()
    }

    private mutating func finish(_ rollout: Rollout) {
        switch rollout.target {
        case .package(let version):
            upgrade.isInForce(version)
            forgetFormerVersions()
        case .settings:
            takeSettings(failures: rollout.failures)
            reconcileAll()
        }
    }
}
