// Users that are gone from the users' folder: they pass the fuse and are deleted, or are put on the list of those held
// back.

import Shared

extension Supervisor {
    /// What the next master has to know.
    var keptDeletions: KeptDeletions {
        let held = deletions.held.sorted { $0.key < $1.key }.map { name, held in
            KeptDeletion(name: name, since: held.since, why: held.why, settings: users[name]?.settings)
        }
        return KeptDeletions(held: held, folder: deletions.folder)
    }

    /// Goes on serving a user whose deletion an earlier master has held back.
    mutating func restore(_ deletion: KeptDeletion) {
        if let settings = deletion.settings {
            addUser(settings)
        } else if succession.remains[deletion.name] == nil {
            _ = deletions.confirm([deletion.name])
        }
    }

    /// All users that are served, or of which something is left.
    var knownNames: [UserName] { users.values.filter { !$0.isDeleted }.map(\.name) + succession.remains.keys }

    // MARK: reports of pathwatch

    mutating func deluser(_ name: UserName) {
        deletions.faultless(name)
        guard users[name]?.isDeleted == false || succession.remains[name] != nil else { return }
        deletions.gone(name, now)
    }

    /// The user's files are there, whatever they say.
    mutating func isThere(_ name: UserName) {
        guard let held = deletions.found(name, now) else { return }
        out.note(
            "is there again: its deletion is off the list", rule: "deletion-fuse", user: name, weight: .crowd)
        advance(name) { $0.returnToFolder(lostAt: held.since, &$1, &$2) }
    }

    mutating func folderReport(_ report: FolderReport) {
        if let trouble = report.trouble {
            deletions.folderGone(trouble, known: knownNames, now)
        } else if report.isSearched {
            if deletions.folderSearched(report.identity) { keepDeletions() }
        } else {
            let back = deletions.folderFound(report.identity, now).sorted { $0.key < $1.key }
            guard !back.isEmpty else { return }
            out.note("the users' folder is there again: \(list(back.map(\.key)))", rule: "deletion-fuse")
            for (name, held) in back { advance(name) { $0.returnToFolder(lostAt: held.since, &$1, &$2) } }
        }
    }

    /// Not in the ordered end: users go, and with them the settings by which the next master serves them on.
    private mutating func keepDeletions() {
        if !isStopping { out.emit(.keepDeletions(keptDeletions)) }
    }

    // MARK: judgement

    mutating func deletionDue() {
        switch deletions.expire(now) {
        case .judge: judgeDeletions()
        case .keep: keepDeletions()
        case nil: break
        }
    }

    private mutating func judgeDeletions() {
        switch deletions.judge(known: knownNames.count, now) {
        case .pass(let names)?:
            guard !isStopping else { return }
            for name in names { carryOut(name) }
        case .hold(let names, let why)?:
            guard !isStopping else { return }
            out.note(
                "deletion held back until `steward confirm-delete`: \(list(names)): \(why)", rule: "deletion-fuse",
                weight: .warning)
            for name in names { answerForDead(name) }
            keepDeletions()
        case nil:
            break
        }
    }

    private mutating func carryOut(_ name: UserName) {
        deletions.faultless(name)
        if succession.takeHold(name) != nil { out.emit(.keepHold(name, nil)) }
        delete(name)
        endRemains(of: name)
    }

    /// Some names of many.
    private func list(_ names: [UserName]) -> String {
        let some = names.prefix(5).map(\.text).joined(separator: ", ")
        return names.count == 1 ? some : "\(names.count) users (\(some)\(names.count > 5 ? " …" : ""))"
    }

    /// The operator's word.
    ///
    /// - Parameter names: empty for all on the list.
    mutating func confirmDeletions(_ names: [UserName]) {
        let confirmed = deletions.confirm(names)
        guard !confirmed.isEmpty else { return }
        out.note("deletion confirmed: \(list(confirmed))", rule: "confirm-delete")
        for name in confirmed { carryOut(name) }
        keepDeletions()
        // pathwatch still takes them as known: should the folder come back with them, it has to say so.
        if deletions.isFolderGone { out.emit(.snapshot(.pathwatch)) }
    }
}
