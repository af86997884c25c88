// An upgrade and the versions of the application, as text or as JSON.

import Shared
import SharedSystem

extension Snapshot {
    func upgradeLines(now: Int64) -> [String] {
        [upgrade.map { upgradeLine($0, now: now) } ?? "no upgrade is on its way"]
            + (packages.isEmpty ? [] : [""] + packageLines)
    }

    var packageLines: [String] {
        Self.table(
            ["VERSION", "USERS", "STATE", "REASON"],
            packages.map { package in
                let marks = [
                    package.isCurrent ? "current" : nil, package.isInForce ? "in force" : nil,
                    package.held.map { _ in "held" },
                ]
                let state = marks.compactMap(\.self).joined(separator: ", ")
                return [package.version, "\(package.users)", state, package.trouble ?? package.held ?? ""]
            })
    }

    func upgradeLine(_ upgrade: UpgradeStatus, now: Int64) -> String {
        let done = upgrade.state == "rolling back" ? "are back" : "changed"
        var line = "upgrade to \(upgrade.target) \(upgrade.state) for \(Self.age(upgrade.since, now)): "
        line += "\(upgrade.changed) of \(upgrade.total) users \(done), \(upgrade.underway) on the way"
        if upgrade.failed > 0 { line += ", \(upgrade.failed) failed" }
        if let pace = Pace(upgrade, now: now) {
            line += ", \(pace.perMinute) a minute"
            if let left = pace.secondsLeft { line += ", about \(left) s left" }
        }
        return line + (upgrade.reason.map { ": \($0)" } ?? "")
    }

    func upgradeJSON() throws -> String {
        try Self.encode(upgrade.map { StatusDocument.Upgrade($0) })
    }
}

/// How fast an upgrade goes, and how long it will take at that pace.
private struct Pace {
    let perMinute: Double
    let secondsLeft: Int?

    /// Nil while nothing can be said.
    init?(_ upgrade: UpgradeStatus, now: Int64) {
        let seconds = Double(now - upgrade.since) / 1000
        guard upgrade.changed > 0, seconds >= 1 else { return nil }
        let rate = Double(upgrade.changed) / seconds
        perMinute = (rate * 600).rounded() / 10
        let rest = Double(upgrade.total - upgrade.changed - upgrade.failed)
        let isStanding = ["paused", "waiting"].contains(upgrade.state)
        secondsLeft = isStanding ? nil : Int((rest / rate).rounded(.up))
    }
}

extension StatusDocument {
    struct Upgrade: Encodable {
        let target: String
        let state: String
        @Nullable var reason: String?
        let since: String
        let total: Int
        let changed: Int
        let underway: Int
        let failed: Int
        @Nullable var perMinute: Double?
        @Nullable var secondsLeft: Int?

        init(_ status: UpgradeStatus) {
            target = status.target
            state = status.state
            reason = status.reason
            since = rfc3339(status.since)
            total = status.total
            changed = status.changed
            underway = status.underway
            failed = status.failed
            let pace = Pace(status, now: wallClock())
            perMinute = pace?.perMinute
            secondsLeft = pace?.secondsLeft
        }
    }

    struct Package: Encodable {
        let version: String
        let current: Bool
        let inForce: Bool
        let users: Int
        @Nullable var trouble: String?
        @Nullable var held: String?

        init(_ status: PackageStatus) {
            version = status.version
            current = status.isCurrent
            inForce = status.isInForce
            users = status.users
            trouble = status.trouble
            held = status.held
        }
    }
}
