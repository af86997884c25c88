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

    /// The users that an upgrade to this version would change, in their order, and those that it would not.
    package func upgradePreview(_ version: String) -> [ControlAnswer] {
        let present = users.values.filter { !$0.isDeleted }.sorted { $0.name < $1.name }
        let due = present.filter { reasonToStay($0, version) == nil }
        let order = due.filter { $0.settings.plan == .paid } + due.filter { $0.settings.plan == .free }
        var previews = order.map { preview($0, version) }
        for index in previews.indices.prefix(configuration.upgrade.canary) { previews[index].isCanary = true }
        previews += present.map { preview($0, version) }.filter { $0.stay != nil }
        return [.upgradePreview(UpgradePreview(version: version))] + previews.map { .userPreview($0) }
    }

    private func preview(_ user: User, _ version: String) -> UserPreview {
        var preview = UserPreview()
        preview.name = user.name
        preview.plan = user.settings.plan
        preview.version = user.version
        preview.stay = reasonToStay(user, version)
        return preview
    }

    /// Nil for one that an upgrade changes.
    private func reasonToStay(_ user: User, _ version: String) -> UserPreview.Stay? {
        if user.version == version { return .hasVersion }
        if follows(user.settings) { return nil }
        if user.settings.package != nil { return .pinned }
        return configuration.upgrade.free == .onRestart ? .nextStart : .free
    }

    /// Why this request cannot be followed; nil where it can.
    package func objection(to request: UpgradeRequest) -> String? {
        switch request.action {
        case .preview, .start:
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
