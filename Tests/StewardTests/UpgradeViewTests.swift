// `steward upgrade`.

import Shared
import Testing

@testable import steward

@Suite struct UpgradeViewTests {
    private static let upgrades: [UpgradeStatus?] = [
        nil,
        upgrade("rolling"),
        upgrade("rolling") {
            $0.changed = 60
            $0.underway = 5
            $0.failed = 1
        },
        upgrade("paused") {
            $0.changed = 1
            $0.reason = "paused by the operator"
        },
        upgrade("waiting") {
            $0.changed = 239
            $0.reason = "alice is the canary: soaks"
        },
        upgrade("rolling back") {
            $0.target = "new worker settings"
            $0.changed = 2
            $0.total = 2
            $0.reason = "alice: exit code 3"
        },
    ]

    private func snapshot(_ upgrade: UpgradeStatus?) -> Snapshot {
        var snapshot = nothing
        snapshot.upgrade = upgrade
        return snapshot
    }

    @Test func eachStateIsOneLine() {
        expectGolden(Self.upgrades.flatMap { snapshot($0).upgradeLines(now: now) }, "upgrade")
    }

    @Test func versionsAreATableBelow() throws {
        var snapshot = snapshot(nil)
        snapshot.packages = packages
        expectGolden([try Upgrade.Show.text(snapshot, json: false, now: now)], "upgrade-packages")
    }

    @Test func eachStateAsJSON() throws {
        let documents = try Self.upgrades.map { try Upgrade.Show.text(snapshot($0), json: true, now: now) }
        expectGolden(documents.joined(separator: "\n"), "upgrade.json")
    }

    @Test func aPaceNeedsSomethingToMeasure() {
        #expect(Pace(upgrade("rolling"), now: now) == nil)
        let atOnce = upgrade("rolling") {
            $0.since = now
            $0.changed = 1
        }
        #expect(Pace(atOnce, now: now) == nil)
    }
}
