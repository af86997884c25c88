// What the operator sees of upgrades.

import Shared

extension Supervisor {
    package func upgradeStatus(_ clock: WallClock) -> UpgradeStatus? {
        guard let rollout = upgrade.rollout else { return nil }
        var status = UpgradeStatus()
        status.target = "\(rollout.target)"
        status.since = clock(rollout.startedAt)
        status.total = rollout.total
        status.changed = rollout.changed
        status.underway = rollout.underway.count
        status.failed = rollout.failures.count
        status.reason = upgradeObstacle
        switch rollout.stage {
        case .rolling: status.state = rollout.isPaused ? "paused" : upgradeObstacle == nil ? "rolling" : "waiting"
        case .rollingBack(let why): (status.state, status.reason) = ("rolling back", why)
        }
        return status
    }

    /// Who would be changed by an upgrade to this version, in which order, and who not.
    package func upgradePlan(_ version: String) -> [String] {
        let present = users.values.filter { !$0.isDeleted }.sorted { $0.name < $1.name }
        let due = present.filter { follows($0.settings) && $0.version != version }
        let order = due.filter { $0.settings.plan == .paid } + due.filter { $0.settings.plan == .free }
        let changes = order.enumerated().map { index, user in
            let canary = index < configuration.upgrade.canary ? ", canary" : ""
            return "\(user.name): \(user.version ?? "no package") to \(version) (\(user.settings.plan)\(canary))"
        }
        let others = present.filter { !follows($0.settings) || $0.version == version }
        let reasons = Dictionary(grouping: others) { reasonToStay($0, version) }.sorted { $0.key < $1.key }
        let kept = reasons.map { reason, users in "\(users.count) users \(reason): \(Self.names(users))" }
        return ["\(changes.count) of \(present.count) users would be changed"] + changes + kept
    }

    private func reasonToStay(_ user: User, _ version: String) -> String {
        if user.version == version { return "have it already" }
        if user.settings.package != nil { return "are pinned" }
        return configuration.upgrade.free == .onRestart ? "get it at their next start" : "stay, as upgrade.free says"
    }

    private static func names(_ users: [User]) -> String {
        let names = users.prefix(10).map(\.name.text).joined(separator: ", ")
        return users.count > 10 ? "\(names) and \(users.count - 10) more" : names
    }

    /// Why such a request cannot be followed; nil where it can.
    package func objection(to request: UpgradeRequest) -> String? {
        switch request.action {
        case .plan, .start:
            guard let version = request.version ?? versions.current else { return "no version is current" }
            if request.action == .start, let rollout = upgrade.rollout {
                if rollout.target == .settings { return "an upgrade to \(rollout.target) is on its way" }
                if rollout.isRolling, rollout.target == .package(version) {
                    return "\(version) is on its way already\(rollout.isPaused ? ", paused" : "")"
                }
            }
            return versions.objection(to: version).map { "\(version) \($0.text)" }
        case .pause, .resume, .abort:
            guard let rollout = upgrade.rollout else { return "no upgrade is on its way" }
            return rollout.isRolling ? nil : "it is being rolled back"
        }
    }
}
