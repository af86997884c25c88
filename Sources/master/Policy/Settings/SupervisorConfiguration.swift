// Another configuration: what it would change, and the change.
//
// The tables are replaced first, on a copy to see what that means, or for good; users, watchers and deadlines follow.
// Who is not concerned is not touched.

import Shared

extension Supervisor {
    /// What it would mean to go over to `file`.
    package func change(to file: Configuration) -> ConfigurationChange {
        var change = ConfigurationChange()
        change.settings = configuration.changes(to: file)
        change.next = configuration.adopting(file)
        guard !change.isIneffective else { return change }
        var after = self
        after.install(change.next)
        var later = after
        if !hasSettings(of: change.next) { after.takeSettings() }
        change.consequences = consequences(after)
        change.atOnce = change.consequences
        if !hasSettings(of: change.next), gate.isShut(for: change.names(.swap).count, of: users.count) {
            later.putOffSettings(former: upgrade.newSettings.map(\.former) ?? PlanSettings(configuration))
            change.atOnce = consequences(later)
            change.isGradual = change.atOnce != change.consequences
        }
        let endings = change.atOnce.values.count(where: \.endsProcess)
        change.isToBeConfirmed = gate.isShut(for: endings, of: users.count)
        return change
    }

    /// Whether its worker settings are those by which everybody is planned, or that are on their way.
    private func hasSettings(of next: Configuration) -> Bool {
        upgrade.newSettings?.isTried != false && PlanSettings(next) == PlanSettings(configuration)
    }

    private func consequences(_ after: Supervisor) -> [UserName: Consequence] {
        var consequences: [UserName: Consequence] = [:]
        for (name, user) in users where !user.isDeleted {
            guard let next = after.users[name] else { continue }
            var present = user
            // Its new process serves nobody yet.
            if upgrade.rollout?.underway.contains(name) == true { present.hasNewSettings = false }
            let consequence = Consequence(from: aim(present), to: after.aim(next))
            if consequence != .nothing { consequences[name] = consequence }
        }
        return consequences
    }

    /// - Parameter isConfirmed: the operator wants it, whomever it concerns, and worker settings that failed tried again.
    mutating func configure(_ file: Configuration, isConfirmed: Bool) {
        guard !isStopping else { return }
        let change = change(to: file)
        let before = reading
        guard !change.settings.isEmpty else {
            reading = .unchanged
            if before?.complaint != nil { note("the file says again what is in force", rule: "reload") }
            if isConfirmed { retrySettings() }
            return
        }
        guard isConfirmed || !change.isToBeConfirmed else {
            reading = .waits(change)
            if before != reading { note(change.waiting, rule: "reload", weight: .warning) }
            return
        }
        reading = .applied(change)
        if !change.isIneffective { apply(change) }
        if before != reading, let text = change.postponement { note(text, rule: "reload", weight: .warning) }
    }

    mutating func configurationFaulty(_ why: String) {
        guard reading != .faulty(why) else { return }
        let faulty = ConfigurationReading.faulty(why)
        reading = faulty
        note(faulty.complaint ?? why, rule: "reload", weight: .warning)
    }

    // MARK: the change

    private mutating func apply(_ change: ConfigurationChange) {
        note("configuration changed: \(change.summary)", rule: "reload")
        let before = configuration
        let hadSettings = hasSettings(of: change.next)
        if !hadSettings, upgrade.rollout?.target == .settings {
            recallUnderway()
            upgrade.rollout = nil
        }
        install(change.next)
        if change.isGradual {
            putOffSettings(former: upgrade.newSettings.map(\.former) ?? PlanSettings(before))
        } else if !hadSettings {
            takeSettings()
        }
        let names = users.keys.sorted()
        for name in names {
            if let consequence = change.atOnce[name] { update(name) { $0.carryOut(consequence, &$1) } }
        }
        if before.worker.swap != configuration.worker.swap {
            for name in names { update(name) { $0.swapModeChanged(&$1) } }
        }
        if before.worker.limits != configuration.worker.limits { reconcileAll() }
        // There may be somewhere to go now for those who wait for it.
        for name in databases.keys.sorted() { evacuate(name) }
        tellWatchers(before)
    }

    /// A swap that waits for its place would begin in the former mode.
    private mutating func swapModeChanged(_ user: inout User) {
        if case .ready = user.actual { dequeueStart(user.name) }
        reconcile(&user)
    }

    /// Only what has changed: each snapshot costs its watcher a look at everything.
    private mutating func tellWatchers(_ before: Configuration) {
        for kind in WatcherKind.allCases {
            if isNeeded(kind) { need(kind) } else { dismiss(kind) }
        }
        if before.logs != configuration.logs { emit(.moveLogs) }
        if before.pathSettings != configuration.pathSettings { inform(.pathwatch) }
        let isWatchingOther =
            before.databases != configuration.databases || before.databaseCheck != configuration.databaseCheck
        if isWatchingOther { inform(.dbwatch) }
    }

    /// One that is not up yet is told when it is.
    private mutating func inform(_ kind: WatcherKind) {
        if let watcher = watchers[kind], watcher.isUp, !watcher.isDismissed { emit(.snapshot(kind)) }
    }

    // MARK: the tables

    /// Replaces the configuration and what is made of it, and finds the users their databases: no effect is among it.
    private mutating func install(_ next: Configuration) {
        let former = databases
        configuration = next
        fuse.settings = next.deletionFuse
        installDatabases(former)
        groupDatabases()
        for name in users.keys.sorted() {
            guard var user = users.removeValue(forKey: name) else { continue }
            assignAgain(&user, former)
            users[name] = user
        }
    }

    private mutating func installDatabases(_ former: [String: DatabaseRow]) {
        databases = [:]
        var isWaiting = false
        for settings in configuration.databases {
            var row = former[settings.name] ?? DatabaseRow(settings: settings)
            if former[settings.name] == nil { row.since = now }
            let isOther = row.change(settings, now) || former[settings.name] == nil
            if isOther { forgetDeadlines(settings.name) }
            isWaiting = isWaiting || isOther
            databases[settings.name] = row
        }
        for name in former.keys where databases[name] == nil { forgetDeadlines(name) }
        if isWaiting { awaitDatabases() }
    }

    private mutating func forgetDeadlines(_ database: String) {
        timers.cancel(.move(database))
        timers.cancel(.calm(database))
    }

    mutating func groupDatabases() {
        groups = Dictionary(grouping: databases.values, by: \.group).mapValues { $0.map(\.settings.name).sorted() }
    }

    /// Databases without a word are waited for, but not for ever.
    mutating func awaitDatabases() {
        let known = now + configuration.databaseCheck.timeout + .seconds(1)
        databasesKnownBy = known
        timers.set(.databases, at: known)
    }
}

extension ConfigurationReading {
    /// What the operator has to do something about; nil where there is nothing.
    package var complaint: String? {
        switch self {
        case .unchanged: nil
        case .applied(let change): change.postponement
        case .waits(let change): change.waiting
        case .faulty(let why): "the configuration stays as it was: \(why)"
        }
    }
}
