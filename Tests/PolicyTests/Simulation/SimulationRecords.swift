// What is written down for the next master, against what this one knows: it may die after any step.

import Shared

@testable import Policy

extension Simulation {
    /// What may be written down later than it has changed, because many changes come at once.
    struct Lag {
        /// Since when what is written down is not what is known.
        private var since: Instant?

        /// Whether it has been so for longer than it may.
        mutating func exceeds(_ limit: Duration, isCurrent: Bool, now: Instant) -> Bool {
            since = isCurrent ? nil : since ?? now
            return since.map { now - $0 > limit } ?? false
        }
    }

    /// A process is written down before it is made, and whatever else a step changes before the world sees it.
    func judgeOrder(_ effects: [Effect]) {
        let records = effects.prefix { $0.isRecord }
        for effect in effects.dropFirst(records.count) {
            expect(!effect.isRecord, .savedFirst, "\(effect)")
            guard case .start(let id, _, _, _) = effect else { continue }
            let isSaved = records.contains { $0.record?.name == id.user }
            expect(isSaved, .savedFirst, "\(id) is started")
        }
    }

    func judgeRecords() {
        for (name, user) in supervisor.users {
            expect(saved[name] == UserRecord(user), .saved, "\(name): \(user.actual.words)")
            if !user.isDeleted { expect(holds[name] == user.hold, .kept, "the hold of \(name)") }
        }
        for name in saved.keys where supervisor.users[name] == nil {
            expect(supervisor.remains[name] != nil, .saved, "\(name) is gone")
        }
        expect(upgrade == upgradeBytes, .kept, "upgrade \(supervisor.upgrade)")
        guard !supervisor.isStopping else { return }
        for (name, reason) in holds where supervisor.users[name] == nil {
            let isKnown = supervisor.succession.holds[name] == reason && supervisor.remains[name] != nil
            expect(isKnown, .kept, "the hold of \(name), who is not there")
        }
        let areVersions = !versionsLag.exceeds(
            .milliseconds(500), isCurrent: versions == supervisor.keptVersions, now: now)
        expect(areVersions, .kept, "versions \(versions), not \(supervisor.keptVersions)")
        let areDeletions = !deletionsLag.exceeds(
            .milliseconds(100), isCurrent: kept == supervisor.keptDeletions, now: now)
        expect(areDeletions, .kept, "deletions \(kept.held.map(\.name))")
    }

    /// What the ordered end was to keep is there for the next master.
    func judgeLastWill() {
        guard let lastWill else { return }
        expect(versions == lastWill.versions, .kept, "versions \(versions), not \(lastWill.versions)")
        let areHeld = lastWill.deletions.held.allSatisfy(kept.held.contains) && kept.folder == lastWill.deletions.folder
        expect(areHeld, .kept, "deletions \(kept), not \(lastWill.deletions)")
    }

    var upgradeBytes: [UInt8] {
        (try? UpgradeFile.bytes(KeptUpgrade(supervisor.upgrade), WallClock(wall: 0, now: Instant(nanoseconds: 0))))
            ?? []
    }
}

extension Effect {
    fileprivate var isRecord: Bool {
        switch self {
        case .save, .erase: true
        case .open, .retire, .welcome, .link, .unlink, .answer, .quiet, .watch, .unwatch, .probe, .start, .measure,
            .signal, .check, .forget, .suspect, .startWatcher, .killWatcher, .dismissWatcher, .ping, .snapshot,
            .moveLogs, .keepHold, .keepDrained, .keepDeletions, .keepUpgrade, .keepVersions, .record, .giveWay, .finish:
            false
        }
    }
}
