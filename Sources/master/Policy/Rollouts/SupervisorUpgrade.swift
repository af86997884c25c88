// A new version, or other worker settings, reach their users: when a rollout begins, whose turn it is, how it ends.
//
// A user's turn is a swap whose new process soaks before customers are sent to it (SupervisorTrials); what it changes
// about the user is in SupervisorTurns. Only one rollout is on its way: settings wait for the end of a version's, and the
// other way round.

import Shared

extension Supervisor {
    // MARK: occasions

    /// `current` may have moved: paying users follow it, and free ones where the configuration says so.
    mutating func followCurrent() {
        guard reported == nil, upgrade.rollout?.target != .settings else { return }
        guard let current = packages.current, current != upgrade.seen, packages.objection(to: current) == nil else {
            return
        }
        upgrade.seen = current
        if let why = upgrade.held[current] {
            note("\(current) is current, but held: \(why)", rule: "upgrade", weight: .warning)
            return keepUpgrade()
        }
        beginRollout(to: .package(current))
    }

    /// Gives everybody a place whom it is about; one that is on its way already gives way to it.
    mutating func beginRollout(to target: Rollout.Target) {
        recallUnderway()
        // What a rollout that nobody knows any more has left tells nothing of this one.
        if upgrade.rollout == nil { forgetFormerVersions() }
        if case .package(let version) = target { upgrade.held[version] = nil }
        upgrade.rollout = Rollout(to: target, at: now)
        for user in users.values.sorted(by: { $0.name < $1.name }) { joinRollout(user) }
        let count = upgrade.rollout?.total ?? 0
        if count > 0 { note("upgrade to \(target) begins: \(count) users", rule: "upgrade") }
        keepUpgrade()
    }

    /// Gives a user its place, where the rollout is to change it.
    mutating func joinRollout(_ user: User) {
        if isDue(user) { upgrade.rollout?.append(user.name, user.settings.plan) }
    }

    /// Who is between two processes goes back to the former one.
    mutating func recallUnderway() {
        for name in upgrade.rollout?.underway.sorted() ?? [] { update(name) { $0.goBack(&$1) } }
    }

    /// A user has come: for a new one, or with what an earlier master has done to it.
    mutating func enrol(_ user: User) {
        guard let rollout = upgrade.rollout, case .package = rollout.target, user.formerVersion != nil else {
            return joinRollout(user)
        }
        if rollout.isRolling {
            upgrade.rollout?.begun(user.name)
            if runsAsWanted(user) { upgrade.rollout?.finished(user.name) }
        } else {
            upgrade.rollout?.append(user.name, user.settings.plan)
        }
    }

    /// Whether a user goes where `current` goes.
    func follows(_ settings: UserSettings) -> Bool {
        guard settings.package == nil else { return false }
        return settings.plan == .paid || configuration.upgrade.free == .follow
    }

    /// The version for those who have none yet: not one that has still to prove itself.
    var versionInForce: String? {
        let proved = upgrade.inForce.flatMap { packages.objection(to: $0) == nil ? $0 : nil }
        return proved ?? packages.current
    }

    // MARK: turns

    /// Lets those have their turn who may, and ends what is over.
    mutating func advanceRollout() {
        guard !isStopping, reported == nil else { return }
        if configuration.packages == nil, upgrade.rollout?.target != .settings { upgrade.rollout = nil }
        if upgrade.rollout == nil, upgrade.newSettings?.isTried == true { beginRollout(to: .settings) }
        guard upgrade.rollout != nil else { return }
        if let why = upgradeEnd { turnBack(why) }
        for name in upgrade.rollout?.underway.sorted() ?? [] { followUnderway(name) }
        if upgradeObstacle == nil {
            if upgrade.rollout?.isAsideDue == true, !timers.isSet(.aside) { reconsiderAside() }
            while let name = upgrade.rollout?.next(configuration.upgrade) { turn(name) }
        }
        if upgrade.rollout?.isOver == true {
            endRollout()
            // Another one may have waited for that.
            advanceRollout()
        }
    }

    /// Why the version is to reach nobody else; nil while it may.
    private var upgradeEnd: String? {
        guard let rollout = upgrade.rollout, rollout.isRolling else { return nil }
        if rollout.isSpent(configuration.upgrade) { return rollout.verdict }
        guard packages.folderFault == nil, case .package(let version) = rollout.target else { return nil }
        return packages.objection(to: version).map { "\(version) \($0.text)" }
    }

    /// Why nobody's turn comes for the moment. The way back is open at any time.
    var upgradeObstacle: String? {
        guard let rollout = upgrade.rollout, rollout.isRolling else { return nil }
        if let fault = packages.folderFault { return fault }
        if rollout.isPaused { return "paused by the operator" }
        if let (name, doubt) = rollout.doubts.min(by: { $0.key < $1.key }) {
            return "\(name) failed (\(doubt.why)): it may be its database's fault"
        }
        let away = databases.values.filter { $0.users > 0 && $0.state != .available }
        return away.map(\.settings.name).min().map { "waits for database \($0)" }
    }

    private mutating func turn(_ name: UserName) {
        guard let rollout = upgrade.rollout, let user = users[name], !user.isDeleted else { return }
        guard rollout.isRolling ? isDue(user) : goesBack(user) else { return }
        guard case .ready = user.actual, isServed(user), user.face?.standIn == nil else {
            upgrade.rollout?.postpone(name)
            return
        }
        upgrade.rollout?.begun(name)
        update(name) { $0.change(&$1) }
    }

    /// Everybody else has had their turn.
    private mutating func reconsiderAside() {
        // There may be thousands of them, and a step for each event.
        timers.set(.aside, at: now + .seconds(1))
        for name in upgrade.rollout?.aside.sorted() ?? [] {
            guard let user = users[name], !user.isDeleted else {
                upgrade.rollout?.remove(name)
                continue
            }
            if isIdle(user) {
                update(name) { supervisor, user in
                    supervisor.change(&user)
                    supervisor.upgrade.rollout?.finished(name)
                }
            } else if case .ready = user.actual {
                upgrade.rollout?.append(name, user.settings.plan)
            }
        }
    }

    /// Whether nobody serves the user, or is about to: there is nothing to be lost, and nothing to be proved.
    private func isIdle(_ user: User) -> Bool {
        switch wanted(user) {
        case .down(.held), .down(.disabled), .down(.noDatabase): return true
        case .up, .down(.databaseUnavailable), .down(.databaseUnknown): break
        }
        return switch user.actual {
        case .absent, .waiting: true
        case .queued, .starting, .ready, .swapping, .stopping: false
        }
    }

    // MARK: between two processes

    /// Whether a new process of this user has to prove itself.
    func isOnTrial(_ user: User) -> Bool {
        guard let rollout = upgrade.rollout, rollout.isRolling else { return false }
        return rollout.underway.contains(user.name)
    }

    /// Who is held, disabled, deleted or pinned meanwhile leaves the rollout, or waits for another turn.
    private mutating func followUnderway(_ name: UserName) {
        guard let user = users[name], !user.isDeleted, isAddressed(user) else {
            upgrade.rollout?.remove(name)
            return update(name) { $0.revert(&$1) }
        }
        switch wanted(user) {
        case .up, .down(.databaseUnavailable), .down(.databaseUnknown):
            if upgrade.rollout?.isRolling == true {
                // Its own new settings may have made the old process one that has to prove itself.
                if case .ready(let process) = user.actual, isServed(user) { soakServing(user, process) }
                return
            }
            // It went back, or will when it starts; nothing better is to be had.
            if runsAsWanted(user) || user.swapFailure != nil || isIdle(user) { upgrade.rollout?.finished(name) }
        case .down(.held), .down(.disabled), .down(.noDatabase):
            update(name) { $0.goBack(&$1) }
            upgrade.rollout?.postpone(name)
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
        guard let rollout = upgrade.rollout, rollout.isPaused != isPaused else { return }
        upgrade.rollout?.isPaused = isPaused
        note("upgrade to \(rollout.target) \(isPaused ? "paused" : "resumed")", rule: "upgrade")
        keepUpgrade()
    }

    mutating func keepUpgrade() {
        emit(.keepUpgrade(KeptUpgrade(upgrade)))
    }

    // MARK: the end

    /// Stops the rollout and brings back whom it has changed; what it was about is held.
    mutating func turnBack(_ why: String) {
        guard let rollout = upgrade.rollout, rollout.isRolling else { return }
        recallUnderway()
        upgrade.rollout?.turnBack(why)
        switch rollout.target {
        case .package(let version): upgrade.held[version] = why
        case .settings: upgrade.newSettings?.failure = why
        }
        for user in users.values.sorted(by: { $0.name < $1.name }) where goesBack(user) {
            upgrade.rollout?.append(user.name, user.settings.plan)
        }
        let count = upgrade.rollout?.waiting ?? 0
        let back = count == 0 ? "nobody has to go back" : "\(count) go back"
        let text = "upgrade to \(rollout.target) stopped and held, \(back): \(why)"
        note(text, rule: "upgrade", weight: .warning)
        keepUpgrade()
    }

    private mutating func forgetFormerVersions() {
        for name in users.keys.sorted() where users[name]?.formerVersion != nil {
            update(name) { $1.formerVersion = nil }
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
            note("\(rollout.target) \(verb) in force\(changed)\(failed)", rule: "upgrade")
        } else {
            note("upgrade to \(rollout.target): rolled back", rule: "upgrade")
        }
        keepUpgrade()
        followCurrent()
    }

    private mutating func finish(_ rollout: Rollout) {
        switch rollout.target {
        case .package(let version):
            upgrade.inForce = version
            forgetFormerVersions()
        case .settings:
            takeSettings(failures: rollout.failures)
            reconcileAll()
        }
    }
}
