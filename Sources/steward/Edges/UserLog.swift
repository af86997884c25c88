// The file of a user's output, for its readers.
//
// The keeper writes it: it renames NAME.log to NAME.log.1 when that is full, and begins NAME.log anew.

import Glibc
import Shared
import SharedSystem

/// Reads the end of the file, then what comes after it, across renaming, removal and recreation.
struct UserLog {
    let path: String
    private var file: Descriptor?
    private var offset = 0

    /// - Parameter folder: of all users' output.
    init(_ user: UserName, in folder: String) {
        path = "\(folder)/\(user).log"
    }

    /// The last lines, of the file and its predecessor; nil where there is neither.
    ///
    /// - Throws: `Failure` where they cannot be read.
    mutating func end(lines count: Int) throws -> [UInt8]? {
        file = try Self.open(path)
        let former = try Self.open(path + ".1").flatMap { try Self.isSame($0, file) ? nil : $0 }
        guard file != nil || former != nil else { return nil }
        var end: [UInt8] = []
        if let file {
            let size = Int(try Self.status(file).st_size)
            end = try Self.end(of: file, size, lines: count)
            offset = size
        }
        let missing = count - Self.lines(in: end)
        guard let former, missing > 0 else { return end }
        return try Self.end(of: former, Int(try Self.status(former).st_size), lines: missing) + end
    }

    /// What has been written since, at most a piece of it; empty when nothing has.
    mutating func more() throws -> [UInt8] {
        if let file {
            let piece = try Self.read(file, from: offset, 64 << 10)
            offset += piece.count
            guard piece.isEmpty else { return piece }
            if Int(try Self.status(file).st_size) < offset {
                // It has been emptied.
                offset = 0
                return []
            }
        }
        guard let current = try Self.open(path), try !Self.isSame(current, file) else { return [] }
        // What was written between the last look and the renaming.
        if let file {
            let piece = try Self.read(file, from: offset, 64 << 10)
            offset += piece.count
            guard piece.isEmpty else { return piece }
        }
        file = current
        offset = 0
        return try more()
    }

    // MARK: parts

    /// The last lines of some bytes; nil where there may be more of them before.
    static func last(_ count: Int, in bytes: [UInt8]) -> ArraySlice<UInt8>? {
        guard count > 0 else { return [] }
        var left = count
        // The end of the last line is no begin of another one.
        for index in bytes.indices.dropLast().reversed() where bytes[index] == UInt8(ascii: "\n") {
            left -= 1
            if left == 0 { return bytes[(index + 1)...] }
        }
        return nil
    }

    private static func lines(in bytes: [UInt8]) -> Int {
        bytes.count { $0 == UInt8(ascii: "\n") } + (bytes.last.map { $0 != UInt8(ascii: "\n") } == true ? 1 : 0)
    }

    private static func end(of file: Descriptor, _ size: Int, lines: Int) throws -> [UInt8] {
        var window = 64 << 10
        while true {
            let start = max(0, size - window)
            let bytes = try read(file, from: start, size - start)
            if let last = last(lines, in: bytes) { return Array(last) }
            if start == 0 { return bytes }
            window *= 4
        }
    }

    private static func open(_ path: String) throws -> Descriptor? {
        let number = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if number >= 0 { return Descriptor(owning: number) }
        guard errno == ENOENT else { throw Failure("\(SystemError("open", path))", code: 1) }
        return nil
    }

    private static func isSame(_ one: Descriptor, _ other: Descriptor?) throws -> Bool {
        guard let other else { return false }
        let (left, right) = (try status(one), try status(other))
        return left.st_dev == right.st_dev && left.st_ino == right.st_ino
    }

    private static func status(_ file: Descriptor) throws -> stat {
        var status = stat()
        guard fstat(file.number, &status) == 0 else { throw Failure("\(SystemError("fstat"))", code: 1) }
        return status
    }

    private static func read(_ file: Descriptor, from offset: Int, _ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var size = 0
        while size < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(file.number, buffer.baseAddress.map { $0 + size }, count - size, off_t(offset + size))
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw Failure("\(SystemError("read"))", code: 1) }
            if got == 0 { break }
            size += got
        }
        return Array(bytes[..<size])
    }
}
