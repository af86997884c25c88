// STATE/versions: which version each user is to run, for the master that finds no runtime folder.
//
// A file of frames, replaced as a whole.

import Shared

/// The form of the file.
package enum VersionFile {
    private struct Record: WireValue {
        var name = UserName()
        var version: String?
        var former: String?

        init() {}

        mutating func fields(_ coder: inout some WireCoder) throws {
            try coder.field(&name)
            try coder.field(&version)
            try coder.field(&former)
        }
    }

    private static let user: UInt8 = 1

    package static func bytes(_ versions: [UserName: KeptVersion]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, kept) in versions.sorted(by: { $0.key < $1.key }) {
            var record = Record()
            (record.name, record.version, record.former) = (name, kept.version, kept.former)
            try FrameFile.append(user, record, to: &bytes)
        }
        return bytes
    }

    /// - Throws: `WireError` where the bytes are not of this file.
    package static func versions(_ bytes: [UInt8]) throws -> [UserName: KeptVersion] {
        var versions: [UserName: KeptVersion] = [:]
        try FrameFile.read(bytes) { type, reader in
            guard type == user else { throw WireError.unknownType(type) }
            let record: Record = try reader.value()
            versions[record.name] = KeptVersion(version: record.version, former: record.former)
        }
        return versions
    }
}
