// STATE/deletions: the users whose deletion is held back, and the users' folder in which all were seen last.
//
// A file of frames, replaced as a whole: it changes seldom, and is nearly always small.

import Shared

/// The form of the file.
package enum DeletionFile {
    private struct Record: WireValue {
        var name = UserName()
        /// Wall clock, in milliseconds since 1970.
        var since: Int64 = 0
        var why = ""
        var settings: UserSettings?

        init() {}

        mutating func fields(_ coder: inout some WireCoder) throws {
            try coder.field(&name)
            try coder.field(&since)
            try coder.field(&why)
            try coder.field(&settings)
        }
    }

    private enum Part {
        static let folder: UInt8 = 1
        static let deletion: UInt8 = 2
    }

    package static func bytes(_ kept: KeptDeletions, _ clock: WallClock) throws -> [UInt8] {
        var bytes: [UInt8] = []
        if let folder = kept.folder { try FrameFile.append(Part.folder, folder, to: &bytes) }
        for deletion in kept.held {
            var record = Record()
            record.name = deletion.name
            record.since = clock(deletion.since)
            record.why = deletion.why
            record.settings = deletion.settings
            try FrameFile.append(Part.deletion, record, to: &bytes)
        }
        return bytes
    }

    /// - Throws: `WireError` where the bytes are not of this file.
    package static func kept(_ bytes: [UInt8], _ clock: WallClock) throws -> KeptDeletions {
        var kept = KeptDeletions()
        try FrameFile.read(bytes) { type, reader in
            switch type {
            case Part.folder: kept.folder = try reader.value()
            case Part.deletion:
                let record: Record = try reader.value()
                kept.held.append(
                    KeptDeletion(
                        name: record.name, since: clock.now + .milliseconds(record.since - clock.wall),
                        why: record.why, settings: record.settings))
            default: throw WireError.unknownType(type)
            }
        }
        return kept
    }
}
