// A file of frames, each with a message: written and read as a whole. No I/O.

public enum FrameFile {
    public static func append(_ type: UInt8, _ value: some WireValue, to bytes: inout [UInt8]) throws {
        try Frame.append(to: &bytes) { try $0.message(type, value) }
    }

    /// - Parameter body: is given the type of each message, and reads its fields.
    /// - Throws: `WireError` where the bytes are not of a file of frames, and what `body` throws.
    public static func read(_ bytes: [UInt8], _ body: (UInt8, inout WireReader) throws -> Void) throws {
        var decoder = FrameDecoder()
        decoder.append(bytes)
        while let payload = try decoder.next() {
            var reader = WireReader(payload)
            var type: UInt8 = 0
            try reader.field(&type)
            try body(type, &reader)
            try reader.finish()
        }
        guard decoder.isAtBoundary else { throw WireError.truncated }
    }
}
