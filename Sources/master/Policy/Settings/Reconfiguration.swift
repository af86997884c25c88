// Another configuration: what it would change, and the change.
//
// Three things lead to `SettingsFile.read`: a saved file (pathwatch watches its folder and the folder that links lead
// to, and says only that the file may have changed), SIGHUP, and `steward reload`, which `systemctl reload` runs, too.
// It is one read of at most 1 MiB, the only time that the loop waits for a disk. The file is taken whole or refused
// whole, with FILE:LINE:COLUMN.
//
// `Supervisor.configure` gets the file as one event. It replaces the tables on a copy, and compares what each user is
// to have before and after: that is what `steward plan` prints. Then it does the same for good; users, watchers and
// deadlines follow. Users that are not concerned are not touched. A watcher that has something new to know gets a
// snapshot; a watcher that has nothing to do any more is dismissed.
//
// The gate (`Supervisor.gate`) is max(5, 10 %) of the users. If a file would move or stop more users than that, or swap more for
// another reason than worker settings (such as a password in a `conninfo`), the whole file waits for `steward reload
// --yes`. A warning, `status` and `plan` tell how many users are concerned. `--yes` reads the file once more, so the
// operator confirms what the file says at that moment. Worker settings that would swap many users are rolled out
// (Rollouts/SettingsRollout).
//
// Users of a removed database leave it at once, as they would leave one that is lost. `steward databases drain`, given
// before, moves them a few at a time. A user that names a removed database has a fault, and goes on where its data is.
// If its data is nowhere, the user is held, with the reason, rather than started without data. The name of a database
// may also begin to lead elsewhere. So a process's plan keeps the place of its database, too, and the process on the
// former place ends before the next one starts.

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
        if !hasSettings(of: change.next), change.names(.swap).count > gate.limit(of: users.count) {
            later.putOffSettings(former: upgrade.newSettings.map(\.former) ?? planSettings)
            change.atOnce = consequences(later)
            change.isGradual = change.atOnce != change.consequences
        }
        let endings = change.atOnce.values.count(where: \.endsProcess)
        change.isToBeConfirmed = endings > gate.limit(of: users.count)
        return change
    }

    /// Whether its worker settings are those by which all users are planned, or that are on their way.
    private func hasSettings(of next: Configuration) -> Bool {
        upgrade.newSettings?.isTried != false && PlanSettings(next) == planSettings
    }

    private func consequences(_ after: Supervisor) -> [UserName: Consequence] {
        var consequences: [UserName: Consequence] = [:]
        for (name, user) in users where !user.isDeleted {
            guard let next = after.users[name] else { continue }
            var present = user
            // Its new process serves no customer yet.
            if upgrade.rollout?.underway.contains(name) == true { present.hasNewSettings = false }
            var (before, then) = (aim(of: present), after.aim(of: next))
            let consequence = Consequence(from: before.outline(for: present), to: then.outline(for: next))
            if consequence != .nothing { consequences[name] = consequence }
        }
        return consequences
    }

    /// - Parameter isConfirmed: the operator wants it, however many it concerns, and worker settings that failed tried
    ///   again.
    mutating func configure(_ file: Configuration, isConfirmed: Bool) {
        guard !isStopping else { return }
        let change = change(to: file)
        let before = reading
        guard !change.settings.isEmpty else {
            reading = .unchanged
            if before?.complaint != nil { out.note("the file says again what is in force", rule: "reload") }
            if isConfirmed { retrySettings() }
            return
        }
        guard isConfirmed || !change.isToBeConfirmed else {
            reading = .waits(change)
            if before != reading { out.note(change.waiting, rule: "reload", weight: .warning) }
            return
        }
        reading = .applied(change)
        if !change.isIneffective { apply(change) }
        if before != reading, let text = change.postponement { out.note(text, rule: "reload", weight: .warning) }
    }

    mutating func configurationFaulty(_ why: String) {
        guard reading != .faulty(why) else { return }
        let faulty = ConfigurationReading.faulty(why)
        reading = faulty
        out.note(faulty.complaint ?? why, rule: "reload", weight: .warning)
    }

    // MARK: the change

    private mutating func apply(_ change: ConfigurationChange) {
        out.note("configuration changed: \(change.summary)", rule: "reload")
        let before = configuration
        let former = planSettings
        let hadSettings = hasSettings(of: change.next)
        if !hadSettings, upgrade.rollout?.target == .settings {
            recallUnderway()
            upgrade.rollout = nil
        }
        install(change.next)
        if change.isGradual {
            putOffSettings(former: upgrade.newSettings.map(\.former) ?? former)
        } else if !hadSettings {
            takeSettings()
        }
        let names = users.keys.sorted()
        // Users that it does not concern may have got another database, or have lost a plan that failed: that is saved.
        for name in names {
            if let consequence = change.atOnce[name] { carryOut(name, consequence) }
        }
        if before.worker.swap != configuration.worker.swap {
            for name in names { advance(name) { $0.swapModeChanged(&$1, &$2) } }
        }
        if before.worker.limits != configuration.worker.limits { reconcileAll() }
        // There may be a database now for users that wait for one.
        for name in databases.names { evacuate(name) }
        tellWatchers(before)
    }

    /// Only what has changed: each snapshot costs its watcher a look at everything.
    private mutating func tellWatchers(_ before: Configuration) {
        for kind in WatcherKind.allCases {
            if isNeeded(kind) { watchers.need(kind, &out) } else { watchers.dismiss(kind, &out) }
        }
        if before.logs != configuration.logs { out.emit(.moveLogs(to: configuration.logs)) }
        if before.pathSettings != configuration.pathSettings { watchers.inform(.pathwatch, &out) }
        let isWatchingOther =
            before.databases != configuration.databases || before.databaseCheck != configuration.databaseCheck
        if isWatchingOther { watchers.inform(.dbwatch, &out) }
    }

    /// Replaces the configuration and what is made of it, and finds the users their databases: no effect is among it.
    private mutating func install(_ next: Configuration) {
        let former = databases
        take(next)
        databases.install(next, now)
        for name in users.keys.sorted() {
            guard let user = users[name] else { continue }
            place(name, on: databases.choice(user.settings.database, present: user.database, after: former))
        }
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
