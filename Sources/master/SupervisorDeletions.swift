// Users who are gone from the users' folder: through the fuse, and out, or onto the list of those held back.

import Shared

/// A deletion that an earlier master has held back.
struct KeptDeletion: Equatable, Sendable {
    let name: UserName
    let since: Instant
    let why: String
    /// With which the user is served on; nil where they were never known.
    let settings: UserSettings?
}

/// What an earlier master has known of the users' folder.
struct KeptDeletions: Equatable, Sendable {
    var held: [KeptDeletion] = []
    var folder: FolderIdentity?
}

extension KeptDeletions {
    func fuse(_ settings: DeletionFuseSettings) -> DeletionFuse {
        let pairs = held.map { ($0.name, DeletionFuse.Held(since: $0.since, why: $0.why)) }
        return DeletionFuse(settings, held: Dictionary(pairs) { first, _ in first }, folder: folder)
    }
}

extension Supervisor {
    /// Between a user's return and the writing of the list that is shorter by it: they come in crowds.
    private static var keepDelay: Duration { .milliseconds(100) }

    /// What the next master has to know.
    var keptDeletions: KeptDeletions {
        let held = fuse.held.sorted { $0.key < $1.key }.map { name, held in
            KeptDeletion(name: name, since: held.since, why: held.why, settings: users[name]?.settings)
        }
        return KeptDeletions(held: held, folder: fuse.folder)
    }

    /// Goes on serving those whose deletion an earlier master has held back.
    mutating func restoreDeletions(_ kept: [KeptDeletion]) {
        for deletion in kept {
            if let settings = deletion.settings {
                addUser(settings)
            } else if remains[deletion.name] == nil {
                fuse.confirm([deletion.name])
            }
        }
    }

    // MARK: reports of pathwatch

    mutating func deluser(_ name: UserName) {
        guard users[name]?.isDeleted == false || remains[name] != nil else { return }
        fuse.deleted(name, now: now)
        awaitJudgement()
    }

    /// The user's files are there, whatever they say.
    mutating func isThere(_ name: UserName) {
        if let held = fuse.returned(name) {
            note("is there again: its deletion is off the list", rule: "deletion-fuse", user: name, weight: .crowd)
            keepDeletionsSoon()
            returnToFolder(name, held)
        }
        awaitJudgement()
    }

    /// The snapshot is complete: who was not in it is gone.
    mutating func missing(from present: Set<UserName>) {
        for name in knownNames where !present.contains(name) { deluser(name) }
    }

    mutating func folderReport(_ report: FolderReport) {
        if let trouble = report.trouble {
            fuse.folderGone(trouble, known: knownNames, now: now)
        } else if report.isSearched {
            if fuse.folderSearched(report.identity) { keepDeletions() }
        } else {
            let back = fuse.folderFound(report.identity)
            if !back.isEmpty {
                note("the users' folder is there again: \(list(back.keys.sorted()))", rule: "deletion-fuse")
                keepDeletionsSoon()
                for (name, held) in back.sorted(by: { $0.key < $1.key }) { returnToFolder(name, held) }
            }
        }
        awaitJudgement()
    }

    // MARK: starts without a folder

    /// A plan as it can be carried out: the folder of a user whose deletion is held back is gone. What lies in it cannot
    /// run, everything else can.
    func feasible(_ plan: WorkerPlan, _ user: User) -> WorkerPlan {
        var plan = plan
        if fuse.held[user.name] != nil, plan.version == nil { plan.folder = "/" }
        return plan
    }

    /// Replaces a worker that was started while there was no folder.
    private mutating func returnToFolder(_ name: UserName, _ held: DeletionFuse.Held) {
        update(name) { supervisor, user in
            guard case .ready(let process) = user.actual, process.startedAt >= held.since, process.version == nil
            else { return }
            user.swapRequest = "its folder is there again"
            supervisor.reconcile(&user)
        }
    }

    // MARK: judgement

    private var knownNames: [UserName] { users.values.filter { !$0.isDeleted }.map(\.name) + remains.keys }

    private mutating func awaitJudgement() {
        if let deadline = fuse.deadline {
            timers.set(.deletions, at: deadline)
        } else {
            timers.cancel(.deletions)
        }
    }

    mutating func judgeDeletions() {
        guard !isStopping, let judgement = fuse.judge(known: knownNames.count, now: now) else { return }
        switch judgement {
        case .pass(let names):
            for name in names { carryOut(name) }
        case .hold(let names, let why):
            note(
                "deletion held back until `steward confirm-delete`: \(list(names)): \(why)", rule: "deletion-fuse",
                weight: .warning)
            for name in names { answerForDead(name) }
            emit(.keepDeletions)
        }
    }

    private mutating func carryOut(_ name: UserName) {
        faults[name] = nil
        if holds.removeValue(forKey: name) != nil { emit(.dropHold(name)) }
        delete(name)
        bury(name)
    }

    /// Some names of many.
    private func list(_ names: [UserName]) -> String {
        let some = names.prefix(5).map(\.text).joined(separator: ", ")
        return names.count == 1 ? some : "\(names.count) users (\(some)\(names.count > 5 ? " …" : ""))"
    }

    /// Not in the ordered end: users go, and with them the settings by which the next master serves them on.
    mutating func keepDeletions() {
        if !isStopping { emit(.keepDeletions) }
    }

    private mutating func keepDeletionsSoon() {
        if !timers.isSet(.keepDeletions) { timers.set(.keepDeletions, at: now + Self.keepDelay) }
    }

    // MARK: the operator

    /// Why these cannot be confirmed; nil where they can.
    func objection(toConfirming names: [UserName]) -> String? {
        if fuse.held.isEmpty { return "no deletion is held back" }
        return names.first { fuse.held[$0] == nil }.map { "no deletion of \($0) is held back" }
    }

    /// - Parameter names: empty for everybody on the list.
    mutating func confirmDeletions(_ names: [UserName]) {
        let confirmed = names.isEmpty ? fuse.held.keys.sorted() : names.filter { fuse.held[$0] != nil }
        guard !confirmed.isEmpty else { return }
        fuse.confirm(confirmed)
        note("deletion confirmed: \(list(confirmed))", rule: "confirm-delete")
        for name in confirmed { carryOut(name) }
        keepDeletions()
        guard fuse.isFolderGone else { return }
        // pathwatch still takes them as known: should the folder come back with them, it has to say so.
        emit(.snapshot(.pathwatch))
    }

    // MARK: who is held back and was never reported to this master

    /// Without its settings a user cannot be started: should its worker be dead, the keeper answers.
    mutating func answerForDead(_ name: UserName) {
        guard fuse.held[name] != nil, let left = remains[name], let face = left.face, face.standIn == nil,
            left.record.processes.allSatisfy({ left.ends[$0.generation] != nil })
        else { return }
        remains[name]?.face?.standIn = .restarting
        emit(.answer(face.socket, .restarting))
    }
}
