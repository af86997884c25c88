// Frames: how messages are told apart on a stream. No I/O.

/// A frame is the length of its payload in four bytes, big-endian, and the payload.
public enum Frame {
    /// The longest payload, in bytes.
    public static let maximum = 64 * 1024

    /// Appends a frame that holds what `body` writes.
    ///
    /// - Throws: `WireError.oversized` when the payload is longer than `maximum`; `buffer` is as it was then.
    public static func append(to buffer: inout [UInt8], _ body: (inout WireWriter) throws -> Void) throws {
        let start = buffer.count
        var writer = WireWriter(appendingTo: &buffer)
        writer.bytes.append(contentsOf: [0, 0, 0, 0])
        do {
            try body(&writer)
            let size = writer.bytes.count - start - 4
            guard size <= maximum else { throw WireError.oversized(size) }
            for index in 0..<4 { writer.bytes[start + index] = UInt8(truncatingIfNeeded: size >> (24 - 8 * index)) }
            buffer = writer.bytes
        } catch {
            writer.bytes.removeSubrange(start...)
            buffer = writer.bytes
            throw error
        }
    }
}

/// Cuts a stream of bytes into payloads, whatever the pieces in which it arrives.
public struct FrameDecoder {
    private var buffer: [UInt8] = []
    private var start = 0

    public init() {}

    public mutating func append(_ bytes: some Sequence<UInt8>) {
        if start > 0 && start >= buffer.count / 2 {
            buffer.removeSubrange(..<start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole payload, or nil until more bytes have come.
    ///
    /// - Throws: `WireError.oversized` when the announced length is above `Frame.maximum`, or zero: the stream cannot
    ///   be understood from there on.
    public mutating func next() throws -> ArraySlice<UInt8>? {
        guard buffer.count - start >= 4 else { return nil }
        let size = buffer[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        guard size > 0, size <= Frame.maximum else { throw WireError.oversized(size) }
        guard buffer.count - start - 4 >= size else { return nil }
        let payload = buffer[start + 4..<start + 4 + size]
        start += 4 + size
        return payload
    }

    /// Whether part of a frame is left over: at the stream's end that is a truncated frame.
    public var isAtBoundary: Bool { buffer.count == start }
}
