// A file that is appended to and never grows beyond a bound.

import Glibc
import Shared
import SharedSystem

/// When it is full it becomes PATH.1, in place of an earlier one, and is begun anew; so it is when it was deleted. The
/// folder is made where it is missing.
final class BoundedFile {
    let path: String
    /// In bytes, of each of the two.
    let bound: Int
    private let folder: String
    private var open: Descriptor?

    init(_ path: String, in folder: String, bound: Int) {
        self.path = path
        self.folder = folder
        self.bound = bound
    }

    /// Writes all of it, or nothing: half a line would spoil the next one.
    func append(_ bytes: UnsafeRawBufferPointer) throws {
        let (file, size) = try file(room: bytes.count)
        do {
            try Self.write(bytes, to: file, path)
        } catch {
            _ = ftruncate(file.number, off_t(size))
            open = nil
            throw error
        }
    }

    /// The file with room for so many bytes, and its size.
    private func file(room: Int) throws -> (Descriptor, size: Int) {
        if let open {
            let (size, links) = try status(open)
            // Without a link it was deleted: what is written there would be lost.
            if links > 0 && size + room <= bound { return (open, size) }
        }
        open = nil
        var file = try opened()
        var size = try status(file).size
        if size > 0 && size + room > bound {
            try check("rename", path) { rename(path, path + ".1") }
            file = try opened()
            size = 0
        }
        open = file
        return (file, size)
    }

    private func opened() throws -> Descriptor {
        if mkdir(folder, 0o750) < 0 && errno != EEXIST { throw SystemError("mkdir", folder) }
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC
        return Descriptor(owning: try check("open", path) { Glibc.open(path, flags, 0o640) })
    }

    private func status(_ file: Descriptor) throws -> (size: Int, links: UInt64) {
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
