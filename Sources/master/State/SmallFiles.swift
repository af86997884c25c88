// Small files, read and replaced whole: of /proc, and of the state folder.

import Glibc
import Logging
import Policy
import Shared
import SharedSystem

enum SmallFile {
    /// - Parameter limit: in bytes; what is beyond is left out.
    static func read(_ path: String, limit: Int) throws -> [UInt8] {
        try read(open(path), limit: limit)
    }

    static func open(_ path: String) throws -> Descriptor {
        Descriptor(owning: try check("open", path) { Glibc.open(path, O_RDONLY | O_CLOEXEC) })
    }

    /// A file that is open, from its beginning.
    static func read(_ file: Descriptor, limit: Int) throws -> [UInt8] {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while content.count < limit {
            let size = try check("pread") { pread(file.number, &buffer, buffer.count, content.count) }
            if size == 0 { break }
            content += buffer[..<size]
        }
        return content
    }

    /// Replaces the file in one step: a reader finds the old content or the new one.
    static func replace(_ path: String, by content: some Collection<UInt8>) throws {
        let draft = "\(path).new"
        let file = Descriptor(
            owning: try check("open", draft) { Glibc.open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640) })
        var rest = Array(content)[...]
        while !rest.isEmpty {
            let size = try rest.withUnsafeBytes { bytes in
                try check("write", draft) { write(file.number, bytes.baseAddress, bytes.count) }
            }
            rest = rest.dropFirst(size)
        }
        try check("rename", path) { rename(draft, path) }
    }

    /// What an earlier master has kept in a file; nil where there is none, or nothing of use: that is set aside.
    ///
    /// - Parameter limit: in bytes.
    static func recall<Content>(
        _ path: String, limit: Int, _ log: Logger, _ body: ([UInt8]) throws -> Content
    ) -> Content? {
        guard access(path, F_OK) == 0 else { return nil }
        do {
            return try body(read(path, limit: limit))
        } catch {
            rename(path, "\(path).damaged")
            log.warning("\(path): \(error); it is set aside as \(path).damaged")
            return nil
        }
    }
}
