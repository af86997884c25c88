// The file of one user's output.
//
// What cannot be written is dropped: a full disk must not stop a worker that writes. One warning tells when that
// begins, one line when it ends.

import Glibc
import Logging
import Shared

final class OutputFile {
    /// A file that would grow beyond this becomes NAME.log.1, in place of an earlier one, in bytes.
    static let bound = 10 << 20
    private static let pauseAfterFailure = Duration.seconds(1)

    /// How many processes of the user write to it.
    var writers = 0
    private let user: UserName
    private let log: Logger
    private var open: (file: Descriptor, path: String)?
    private var failedAt: Instant?

    init(_ user: UserName, _ log: Logger) {
        self.user = user
        self.log = log
    }

    func append(_ bytes: UnsafeRawBufferPointer, in folder: String, now: Instant) {
        if let failedAt, now - failedAt < Self.pauseAfterFailure { return }
        let path = "\(folder)/\(user).log"
        do {
            try Self.write(bytes, to: try file(path, folder, room: bytes.count), path)
            if failedAt != nil { log.notice("\(path) is written again") }
            failedAt = nil
        } catch {
            if failedAt == nil { log.warning("\(error): the output of \(user) is dropped until it can be written") }
            failedAt = now
            open = nil
        }
    }

    /// The file at `path` with room for so many bytes: opened, or begun anew, where needed.
    private func file(_ path: String, _ folder: String, room: Int) throws -> Descriptor {
        if let open, open.path == path {
            let (size, links) = try Self.status(open.file, path)
            // Without a link it was deleted: nobody would see what goes there.
            if links > 0 && size + room <= Self.bound { return open.file }
        }
        open = nil
        var file = try Self.open(path, folder)
        let size = try Self.status(file, path).size
        if size > 0 && size + room > Self.bound {
            try check("rename", path) { rename(path, path + ".1") }
            file = try Self.open(path, folder)
        }
        open = (file, path)
        return file
    }

    private static func open(_ path: String, _ folder: String) throws -> Descriptor {
        if mkdir(folder, 0o750) < 0 && errno != EEXIST { throw SystemError("mkdir", folder) }
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC
        return Descriptor(owning: try check("open", path) { Glibc.open(path, flags, 0o640) })
    }

    private static func status(_ file: Descriptor, _ path: String) throws -> (size: Int, links: UInt64) {
        var status = stat()
        try check("fstat", path) { fstat(file.number, &status) }
        return (Int(status.st_size), UInt64(status.st_nlink))
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to file: Descriptor, _ path: String) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            let written = try check("write", path) { Glibc.write(file.number, part.baseAddress, part.count) }
            rest = rest.dropFirst(written)
        }
    }
}
