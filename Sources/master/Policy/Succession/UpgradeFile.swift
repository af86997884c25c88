// STATE/upgrade: which version is in force, which are held, and how far a rollout has come.
//
// One frame, replaced as a whole at each turn of events; how far each user has come is in its own record.

import Shared

/// What the next master has to know of an upgrade.
package struct KeptUpgrade: Equatable, Sendable {
    struct Rollout: Equatable, Sendable {
        let target: String
        let isPaused: Bool
        /// Why it is being rolled back.
        let turnedBack: String?
        let failures: [UserName: String]
        let startedAt: Instant
    }

    let inForce: String?
    let seen: String?
    let held: [String: String]
    let rollout: Rollout?

    package init(_ upgrade: Upgrade) {
        (inForce, seen, held) = (upgrade.inForce, upgrade.seen, upgrade.held)
        rollout = upgrade.rollout.flatMap(Rollout.init)
    }
}

extension KeptUpgrade.Rollout {
    /// Nil for one of worker settings: the next master finds by itself which users run by others than the file's.
    init?(_ rollout: Rollout) {
        guard case .package(let version) = rollout.target else { return nil }
        let why: String? = if case .rollingBack(let why) = rollout.stage { why } else { nil }
        self.init(
            target: version, isPaused: rollout.isPaused, turnedBack: why, failures: rollout.failures,
            startedAt: rollout.startedAt)
    }
}

package enum UpgradeFile {
    private struct Record: WireValue {
        var inForce: String?
        var seen: String?
        var held: [String: String] = [:]
        /// Of the rollout, where there is one.
        var target: String?
        var isPaused = false
        /// Why it is being rolled back.
        var turnedBack: String?
        var failures: [String: String] = [:]
        /// Wall clock, in milliseconds since 1970.
        var since: Int64 = 0

        mutating func fields(_ coder: inout some WireCoder) throws {
            try coder.field(&inForce)
            try coder.field(&seen)
            try coder.field(&held)
            try coder.field(&target)
            try coder.field(&isPaused)
            try coder.field(&turnedBack)
            try coder.field(&failures)
            try coder.field(&since)
        }
    }

    private static let type: UInt8 = 1
    /// So that the failures fit a frame. Users that are left out have another turn under the next master.
    private static let mostFailures = 300
    private static let longestReason = 120

    package static func bytes(_ kept: KeptUpgrade, _ clock: WallClock) throws -> [UInt8] {
        var record = Record()
        record.inForce = kept.inForce
        record.seen = kept.seen
        record.held = kept.held.mapValues { String($0.prefix(longestReason)) }
        if let rollout = kept.rollout {
            record.target = rollout.target
            record.isPaused = rollout.isPaused
            record.turnedBack = rollout.turnedBack
            let failures = rollout.failures.sorted { $0.key < $1.key }.prefix(mostFailures)
            record.failures = Dictionary(
                uniqueKeysWithValues: failures.map { ($0.text, String($1.prefix(longestReason))) })
            record.since = clock(rollout.startedAt)
        }
        var bytes: [UInt8] = []
        try FrameFile.append(type, record, to: &bytes)
        return bytes
    }

    /// - Throws: `WireError` where the bytes are not of this file.
    package static func upgrade(_ bytes: [UInt8], _ clock: WallClock) throws -> Upgrade {
        var records: [Record] = []
        try FrameFile.read(bytes) { type, reader in
            guard type == Self.type else { throw WireError.unknownType(type) }
            records.append(try reader.value())
        }
        guard records.count == 1, let record = records.first else { throw WireError.truncated }
        var upgrade = Upgrade(inForce: record.inForce, seen: record.seen, held: record.held)
        guard let target = record.target else { return upgrade }
        let failures = record.failures.compactMap { name, why in UserName(name).map { ($0, why) } }
        upgrade.rollout = Rollout(
            to: .package(target), stage: record.turnedBack.map { .rollingBack($0) } ?? .rolling,
            isPaused: record.isPaused,
            failures: Dictionary(uniqueKeysWithValues: failures),
            at: clock.now + .milliseconds(record.since - clock.wall))
        return upgrade
    }
}
