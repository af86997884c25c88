// Small text files that other programs write: read whole, bounded, and without ever waiting.

import Glibc
import Shared

/// Why a file could not be read.
public enum TextFileError: Error, Equatable, CustomStringConvertible {
    case system(Int32)
    case notRegular
    case tooLong(Int)
    case notUTF8

    public var description: String {
        switch self {
        case .system(ELOOP): "cannot be read: it is a symbolic link"
        case .system(let code): "cannot be read: \(SystemError.text(code))"
        case .notRegular: "cannot be read: it is not a regular file"
        case .tooLong(let bound): "is longer than \(bound) bytes"
        case .notUTF8: "is not a text in UTF-8"
        }
    }
}

/// A file as it was read.
public struct TextFile {
    public let text: String
    /// Of the open file.
    public let status: stat

    /// - Parameters:
    ///   - bound: the most bytes that the file may have.
    ///   - followsLink: whether the path may end in a symbolic link.
    /// - Throws: `TextFileError`. A FIFO or device is refused, not waited for.
    public init(_ path: String, atMost bound: Int, followsLink: Bool) throws(TextFileError) {
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (followsLink ? 0 : O_NOFOLLOW)
        let number = open(path, flags)
        // ENXIO: a socket, or a device without its driver.
        guard number >= 0 else { throw errno == ENXIO ? .notRegular : .system(errno) }
        let file = Descriptor(owning: number)
        var status = stat()
        guard fstat(file.number, &status) == 0 else { throw .system(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
        guard status.st_size <= bound else { throw .tooLong(bound) }
        let bytes = try Self.bytes(file, atMost: bound)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
        self.text = text
        self.status = status
    }

    /// Up to the end, whatever the size was when the file was opened.
    private static func bytes(_ file: Descriptor, atMost bound: Int) throws(TextFileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let size = read(file.number, &chunk, chunk.count)
            if size < 0 && errno == EINTR { continue }
            guard size >= 0 else { throw .system(errno) }
            guard size > 0 else { return bytes }
            bytes.append(contentsOf: chunk[..<size])
            guard bytes.count <= bound else { throw .tooLong(bound) }
        }
    }
}
