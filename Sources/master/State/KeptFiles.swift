// STATE/versions, STATE/upgrade and STATE/deletions: what outlives a machine's boot; each is replaced as a whole.

import Logging
import Policy
import Shared
import SharedSystem

extension Runtime {
    private var versionsPath: String { "\(configuration.state)/versions" }
    /// A million users.
    private static let longestVersions = 1 << 27

    func keepVersions(_ versions: [UserName: KeptVersion]) throws {
        try SmallFile.replace(versionsPath, by: VersionFile.bytes(versions))
    }

    /// What an earlier master has kept.
    func versions(_ log: Logger) -> [UserName: KeptVersion] {
        SmallFile.recall(versionsPath, limit: Self.longestVersions, log, VersionFile.versions) ?? [:]
    }
}

extension Runtime {
    private var upgradePath: String { "\(configuration.state)/upgrade" }

    func keepUpgrade(_ upgrade: KeptUpgrade) throws {
        let clock = WallClock(wall: wallClock(), now: .now())
        try SmallFile.replace(upgradePath, by: UpgradeFile.bytes(upgrade, clock))
    }

    /// What an earlier master has kept.
    func upgrade(_ log: Logger) -> Upgrade {
        SmallFile.recall(upgradePath, limit: Frame.maximum + 4, log) { content in
            try UpgradeFile.upgrade(content, WallClock(wall: wallClock(), now: .now()))
        } ?? Upgrade()
    }
}

extension Runtime {
    private var deletionsPath: String { "\(configuration.state)/deletions" }
    /// Thousands of users with the longest settings.
    private static let longestDeletions = 1 << 28

    func keepDeletions(_ kept: KeptDeletions) throws {
        let content = try DeletionFile.bytes(kept, WallClock(wall: wallClock(), now: .now()))
        try SmallFile.replace(deletionsPath, by: content)
    }

    /// What an earlier master has kept.
    func deletions(_ log: Logger) -> KeptDeletions {
        SmallFile.recall(deletionsPath, limit: Self.longestDeletions, log) { content in
            try DeletionFile.kept(content, WallClock(wall: wallClock(), now: .now()))
        } ?? KeptDeletions()
    }
}
