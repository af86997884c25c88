// An upgrade and the versions of the application, for a terminal. No I/O.

import Shared

extension Snapshot {
    func upgradeLines(now: Int64) -> [String] {
        [upgrade.map { upgradeLine($0, now: now) } ?? "no upgrade is on its way"]
            + (packages.isEmpty ? [] : [""] + packageLines)
    }

    var packageLines: [String] {
        Table.lines(
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
        var line = "upgrade to \(upgrade.target) \(upgrade.state) for \(Table.age(upgrade.since, now)): "
        line += "\(upgrade.changed) of \(upgrade.total) users \(done), \(upgrade.underway) on the way"
        if upgrade.failed > 0 { line += ", \(upgrade.failed) failed" }
        if let pace = Pace(upgrade, now: now) {
            line += ", \(pace.perMinute) a minute"
            if let left = pace.secondsLeft { line += ", about \(left) s left" }
        }
        return line + (upgrade.reason.map { ": \($0)" } ?? "")
    }
}

/// How fast an upgrade goes, and how long it will take at that pace.
struct Pace {
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
