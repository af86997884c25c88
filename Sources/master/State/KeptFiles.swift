// The files of STATE, which outlive a machine's boot: each is read once, before the loop runs, and replaced as a whole.

import Glibc
import Policy
import Shared
import SharedSystem

extension Ledger {
    private var clock: WallClock { WallClock(wall: wallClock(), now: .now()) }

    // MARK: the operator's holds

    func holds() -> [UserName: String] {
        let pairs = FolderNames.of("\(folder)/holds").compactMap { file -> (UserName, String)? in
            guard let name = UserName(file), let text = try? SmallFile.read(holdPath(name), limit: 4096) else {
                return nil
            }
            return (name, String(decoding: text, as: UTF8.self))
        }
        return Dictionary(pairs) { first, _ in first }
    }

    /// - Parameter reason: nil where the hold ends.
    func keepHold(_ name: UserName, _ reason: String?) throws {
        if let reason { try SmallFile.replace(holdPath(name), by: reason.utf8) } else { unlink(holdPath(name)) }
    }

    private func holdPath(_ name: UserName) -> String { "\(folder)/holds/\(name)" }

    // MARK: the databases that the operator has taken out of use

    private var drainedPath: String { "\(folder)/drained" }

    func drained() -> Set<String> {
        let text = (try? SmallFile.read(drainedPath, limit: 1 << 20)) ?? []
        return Set(text.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) })
    }

    func keepDrained(_ names: Set<String>) throws {
        try SmallFile.replace(drainedPath, by: names.sorted().joined(separator: "\n").utf8)
    }

    // MARK: versions

    private var versionsPath: String { "\(folder)/versions" }
    /// A million users.
    private static let longestVersions = 1 << 27

    func versions() -> [UserName: KeptVersion] {
        SmallFile.recall(versionsPath, limit: Self.longestVersions, log, VersionFile.versions) ?? [:]
    }

    func keepVersions(_ versions: [UserName: KeptVersion]) throws {
        try SmallFile.replace(versionsPath, by: VersionFile.bytes(versions))
    }

    // MARK: upgrades

    private var upgradePath: String { "\(folder)/upgrade" }

    func upgrade() -> Upgrade {
        SmallFile.recall(upgradePath, limit: Frame.maximum + 4, log) { content in
            try UpgradeFile.upgrade(content, clock)
        } ?? Upgrade()
    }

    func keepUpgrade(_ upgrade: KeptUpgrade) throws {
        try SmallFile.replace(upgradePath, by: UpgradeFile.bytes(upgrade, clock))
    }

    // MARK: deletions

    private var deletionsPath: String { "\(folder)/deletions" }
    /// Thousands of users with the longest settings.
    private static let longestDeletions = 1 << 28

    func deletions() -> KeptDeletions {
        SmallFile.recall(deletionsPath, limit: Self.longestDeletions, log) { content in
            try DeletionFile.kept(content, clock)
        } ?? KeptDeletions()
    }

    func keepDeletions(_ kept: KeptDeletions) throws {
        try SmallFile.replace(deletionsPath, by: DeletionFile.bytes(kept, clock))
    }
}
