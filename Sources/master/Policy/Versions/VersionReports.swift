// Which version of the application each user runs: what pathwatch reports of the versions, and what follows for users.

import Shared

extension Supervisor {
    // MARK: reports of pathwatch

    mutating func packageReport(_ manifest: PackageManifest) {
        forgetUnused()
        changeVersion(manifest.version) { $0.published(manifest) }
        followCurrent()
    }

    mutating func packageFault(_ fault: PackageFault) {
        guard let version = fault.version else {
            if versions.failed(fault.text) { notePackages(fault.text, weight: .warning) }
            return
        }
        changeVersion(version) { $0.refused(version, fault.text) }
    }

    mutating func packageGone(_ version: String) {
        versions.vanished(version)
        tellGone([version])
        versionsChanged()
    }

    mutating func currentPackage(_ report: CurrentPackage) {
        let (before, troubleBefore) = (versions.current, versions.linkTrouble)
        tellGone(versions.named(report))
        if let trouble = versions.linkTrouble, trouble != troubleBefore { notePackages(trouble, weight: .warning) }
        if versions.current != before { currentMoved() }
        versionsChanged()
    }

    private mutating func currentMoved() {
        notePackages("current is \(versions.current ?? "no version")")
        followCurrent()
    }

    private mutating func changeVersion(_ version: String, _ body: (inout PackageTable) -> Void) {
        let (before, inForce) = (versions.rows[version], versions.current)
        body(&versions)
        let after = versions.rows[version]
        if let objection = after?.objection {
            if objection != before?.objection { notePackages("\(version) \(objection.text)", weight: .warning) }
        } else if after != before {
            notePackages("\(version) is there", weight: deletions.isComplete ? .routine : .crowd)
        }
        if versions.current != inForce { currentMoved() }
        if after != before || versions.current != inForce { versionsChanged() }
    }

    /// Once for all users that run them.
    private mutating func tellGone(_ gone: [String]) {
        for version in gone {
            let count = users.values.count { $0.runningVersion == version }
            let some = count == 1 ? "a user still runs it and falls" : "\(count) users still run it and fall"
            let fate = count == 0 ? "" : ": \(some) back to the version in force at the next start"
            notePackages("\(version) is gone\(fate)", weight: count == 0 ? .routine : .warning)
        }
        forgetUnused()
    }

    /// Versions that are gone and that no user runs: what comes under that name again is another one, and not held.
    private mutating func forgetUnused() {
        let used = Set(users.values.flatMap { [$0.runningVersion, $0.version, $0.formerVersion].compactMap(\.self) })
        versions.forget(unless: used.contains)
        guard versions.isComplete, versions.folderFault == nil else { return }
        if upgrade.forget(unless: { [versions] in versions.rows[$0] != nil }) { keepUpgrade() }
    }

    /// The snapshot is complete: what users run and was not reported is gone.
    mutating func tellUnreportedVersions() {
        guard configuration.packages != nil, versions.folderFault == nil else { return }
        let missing = Set(users.values.compactMap(\.runningVersion)).filter { versions.rows[$0] == nil }.sorted()
        for version in missing { versions.vanished(version) }
        tellGone(missing)
        if !missing.isEmpty { versionsChanged() }
    }

    private mutating func notePackages(_ text: String, weight: Happening.Weight = .routine) {
        out.note(text, rule: "package", subject: "packages", weight: weight)
    }

    /// Users that wait for a version, or for another one, may have it now.
    private mutating func versionsChanged() {
        for name in users.keys.sorted() {
            guard let user = users[name] else { continue }
            let isWaiting = user.versionTrouble != nil || user.actual == .absent || user.actual == .queued
            if chooseVersion(name) || isWaiting { advance(name) { $0.reconcile(&$1, &$2) } }
        }
    }

    // MARK: a user's version

    /// Decides which version the user is to run from now on.
    ///
    /// - Returns: whether it is another one than before.
    @discardableResult
    mutating func chooseVersion(_ name: UserName, isStarting: Bool = false) -> Bool {
        guard let user = users[name] else { return false }
        guard configuration.packages != nil else {
            guard user.version != nil || user.formerVersion != nil || user.versionTrouble != nil else { return false }
            edit(name) { ($0.version, $0.formerVersion, $0.versionTrouble) = (nil, nil, nil) }
            return user.version != nil
        }
        if user.settings.package != nil, user.formerVersion != nil { edit(name) { $0.formerVersion = nil } }
        let choice = versionChoice(user, isStarting: isStarting)
        if user.versionTrouble != choice.trouble { edit(name) { $0.versionTrouble = choice.trouble } }
        guard let version = choice.version, version != user.version else { return false }
        if let trouble = choice.trouble {
            out.note("runs \(version): \(trouble)", rule: "package", user: name, weight: admission.crowdWeight)
        } else if let former = user.version {
            out.note("is to run \(version), not \(former) any more", rule: "package", user: name)
        }
        edit(name) { $0.version = version }
        needDispatch(name)
        return true
    }

    private func versionChoice(_ user: User, isStarting: Bool) -> VersionChoice {
        let takesCurrent = user.settings.plan == .free && configuration.upgrade.free == .onRestart
        return versions.choice(
            pin: user.settings.package, present: user.version, inForce: versionInForce, isStarting: isStarting,
            takesCurrent: takesCurrent)
    }

    /// Whether there is a version with which the user can be started, where one is needed.
    func hasVersion(_ user: User) -> Bool {
        configuration.packages == nil || versionChoice(user, isStarting: true).version != nil
    }

    /// The version for users that have none yet: not one that has still to prove itself.
    var versionInForce: String? {
        let proved = upgrade.inForce.flatMap { versions.objection(to: $0) == nil ? $0 : nil }
        return proved ?? versions.current
    }

    // MARK: for the operator

    /// Every version that is there, or that a user runs.
    package func packageStatuses() -> [PackageStatus] {
        let usage = Dictionary(grouping: users.values.compactMap { $0.runningVersion ?? $0.version }) { $0 }
        return versions.rows.sorted { $0.key < $1.key }.map { version, row in
            var status = PackageStatus()
            status.version = version
            status.isCurrent = version == versions.current
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
        return [versions.folderFault, versions.linkTrouble].compactMap(\.self)
    }
}
