// Which version of the application each user runs.

import Shared

/// What an earlier master has written down of a user.
package struct KeptVersion: Equatable, Sendable {
    /// The version that the user is to run.
    var version: String?
    /// The one that it ran before.
    var former: String?
}

extension Supervisor {
    /// Between a change and its writing: they come in crowds.
    private static var keepDelay: Duration { .milliseconds(500) }

    // MARK: reports of pathwatch

    mutating func packageReport(_ manifest: PackageManifest) {
        forgetUnused()
        changePackage(manifest.version) { $0.published(manifest) }
        followCurrent()
    }

    mutating func packageFault(_ fault: PackageFault) {
        guard let version = fault.version else {
            if packages.folderFault != fault.text { notePackages(fault.text, weight: .warning) }
            packages.folderFault = fault.text
            return
        }
        changePackage(version) { $0.refused(version, fault.text) }
    }

    mutating func packageGone(_ version: String) {
        packages.vanished(version)
        tellGone([version])
        packagesChanged()
    }

    mutating func currentPackage(_ report: CurrentPackage) {
        let (before, troubleBefore) = (packages.current, packages.linkTrouble)
        tellGone(packages.named(report))
        if let trouble = packages.linkTrouble, trouble != troubleBefore { notePackages(trouble, weight: .warning) }
        if packages.current != before { currentMoved() }
        packagesChanged()
    }

    private mutating func currentMoved() {
        notePackages("current is \(packages.current ?? "no version")")
        followCurrent()
    }

    private mutating func changePackage(_ version: String, _ body: (inout PackageTable) -> Void) {
        let (before, inForce) = (packages.rows[version], packages.current)
        body(&packages)
        let after = packages.rows[version]
        if let objection = after?.objection {
            if objection != before?.objection { notePackages("\(version) \(objection.text)", weight: .warning) }
        } else if after != before {
            notePackages("\(version) is there", weight: reported == nil ? .routine : .crowd)
        }
        if packages.current != inForce { currentMoved() }
        if after != before || packages.current != inForce { packagesChanged() }
    }

    /// Once for all who run them.
    private mutating func tellGone(_ versions: [String]) {
        for version in versions {
            let count = users.values.count { $0.runningVersion == version }
            let some = count == 1 ? "a user still runs it and falls" : "\(count) users still run it and fall"
            let fate = count == 0 ? "" : ": \(some) back to the version in force at the next start"
            notePackages("\(version) is gone\(fate)", weight: count == 0 ? .routine : .warning)
        }
        forgetUnused()
    }

    /// Versions that are gone and that nobody runs: what comes under that name again is another one, and not held.
    private mutating func forgetUnused() {
        packages.forget(unless: isUsed)
        guard packages.isComplete, packages.folderFault == nil else { return }
        let gone = upgrade.held.keys.filter { packages.rows[$0] == nil }
        guard !gone.isEmpty else { return }
        for version in gone { upgrade.held[version] = nil }
        if let seen = upgrade.seen, gone.contains(seen) { upgrade.seen = nil }
        keepUpgrade()
    }

    /// The snapshot is complete: what users run and nobody has reported is gone.
    mutating func tellUnreportedVersions() {
        guard configuration.packages != nil, packages.folderFault == nil else { return }
        let missing = Set(users.values.compactMap(\.runningVersion)).filter { packages.rows[$0] == nil }
        for version in missing { packages.vanished(version) }
        tellGone(missing.sorted())
        if !missing.isEmpty { packagesChanged() }
    }

    private func isUsed(_ version: String) -> Bool {
        users.values.contains { $0.runningVersion == version || $0.version == version || $0.formerVersion == version }
    }

    private mutating func notePackages(_ text: String, weight: Happening.Weight = .routine) {
        note(text, rule: "package", subject: "packages", weight: weight)
    }

    /// Who waits for a version, or for another one, may have it now.
    private mutating func packagesChanged() {
        for name in users.keys.sorted() {
            update(name) { supervisor, user in
                let isWaiting = user.versionTrouble != nil || user.actual == .absent || user.actual == .queued
                if supervisor.chooseVersion(&user) || isWaiting { supervisor.reconcile(&user) }
            }
        }
    }

    // MARK: a user's version

    /// Decides which version the user is to run from now on.
    ///
    /// - Returns: whether it is another one than before.
    @discardableResult
    mutating func chooseVersion(_ user: inout User, isStarting: Bool = false) -> Bool {
        guard configuration.packages != nil else {
            defer { (user.version, user.formerVersion, user.versionTrouble) = (nil, nil, nil) }
            return user.version != nil
        }
        if user.settings.package != nil { user.formerVersion = nil }
        let choice = versionChoice(user, isStarting: isStarting)
        user.versionTrouble = choice.trouble
        guard let version = choice.version, version != user.version else { return false }
        if let trouble = choice.trouble {
            note("runs \(version): \(trouble)", rule: "package", user: user.name, weight: crowdWeight)
        } else if user.version != nil {
            note("is to run \(version), not \(user.version ?? "") any more", rule: "package", user: user.name)
        }
        user.version = version
        if checkSettings(user).isWanted { need(.dispatch) }
        return true
    }

    private func versionChoice(_ user: User, isStarting: Bool) -> VersionChoice {
        let takesCurrent = user.settings.plan == .free && configuration.upgrade.free == .onRestart
        return packages.choice(
            pin: user.settings.package, present: user.version, inForce: versionInForce, isStarting: isStarting,
            takesCurrent: takesCurrent)
    }

    /// Whether there is a version with which the user can be started, where one is needed.
    func hasVersion(_ user: User) -> Bool {
        configuration.packages == nil || versionChoice(user, isStarting: true).version != nil
    }

    /// Whether a process does not run as its user is to be run. Of a version that this master has never seen nobody can
    /// tell how it is to be run: those who run it are left alone.
    func isOutdated(_ process: Process, _ user: User) -> Bool {
        if isUnseen(user.version) || isLeftAlone(process, user) { return !isAtHome(process, user) }
        return process.plan != plan(for: user).identity
    }

    /// Whether a version has gone before this master could see it.
    func isUnseen(_ version: String?) -> Bool { version != nil && packages.manifest(of: version) == nil }

    // MARK: for the operator

    /// Every version that is there, or that somebody runs.
    package func packageStatuses() -> [PackageStatus] {
        let usage = Dictionary(grouping: users.values.compactMap { $0.runningVersion ?? $0.version }) { $0 }
        return packages.rows.sorted { $0.key < $1.key }.map { version, row in
            var status = PackageStatus()
            status.version = version
            status.isCurrent = version == packages.current
            status.isInForce = version == versionInForce
            status.held = upgrade.held[version]
            status.users = usage[version]?.count ?? 0
            status.trouble = row.objection?.text
            return status
        }
    }

    /// What is wrong with the packages' folder as a whole, and with its link.
    package var packageTroubles: [String] {
        guard configuration.packages != nil else { return [] }
        return [packages.folderFault, packages.linkTrouble].compactMap(\.self)
    }

    // MARK: for the next master

    /// What is known of everybody's version.
    var keptVersions: [UserName: KeptVersion] {
        let present = users.compactMapValues { user in
            user.version.map { KeptVersion(version: $0, former: user.formerVersion) }
        }
        return recordedVersions.merging(present) { _, own in own }
    }

    mutating func keepVersionsSoon() {
        if !isStopping, !timers.isSet(.keepVersions) { timers.set(.keepVersions, at: now + Self.keepDelay) }
    }

    /// The version that an earlier master has chosen: by the runtime folder, the state folder or the process itself.
    mutating func recallVersion(_ user: inout User, _ left: Remains?) {
        let kept = recordedVersions.removeValue(forKey: user.name)
        if let version = left?.record.version {
            (user.version, user.formerVersion) = (version, left?.record.formerVersion)
        } else if let kept {
            (user.version, user.formerVersion) = (kept.version, kept.former)
        } else {
            user.version = left?.record.processes.last?.version
        }
        if user.version != kept?.version || user.formerVersion != kept?.former { keepVersionsSoon() }
    }
}

extension User {
    /// Of the process that serves; before there is one, nil.
    var runningVersion: String? { actual.processes.first?.version }
}
