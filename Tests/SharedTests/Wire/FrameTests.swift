import Testing

@testable import Shared

@Suite struct FrameTests {
    private func frame(_ payload: [UInt8]) throws -> [UInt8] {
        var buffer: [UInt8] = []
        try Frame.append(to: &buffer) { $0.bytes.append(contentsOf: payload) }
        return buffer
    }

    @Test func lengthIsFourBytesBigEndian() throws {
        #expect(hex(try frame([7])) == "00000001" + "07")
        #expect(hex(try frame(Array(repeating: 1, count: 258)).prefix(4)) == "00000102")
    }

    @Test func appendsBehindWhatIsThere() throws {
        var buffer: [UInt8] = [0xff]
        try Frame.append(to: &buffer) { $0.bytes.append(1) }
        try Frame.append(to: &buffer) { $0.bytes.append(contentsOf: [2, 3]) }
        #expect(hex(buffer) == "ff" + "0000000101" + "000000020203")
    }

    @Test func longestPayloadIsAllowedAndNoLongerOne() throws {
        let longest = [UInt8](repeating: 5, count: Frame.maximum)
        #expect(hex(try frame(longest).prefix(4)) == "00010000")
        var decoder = FrameDecoder()
        decoder.append(try frame(longest))
        #expect(try decoder.next().map(Array.init) == longest)

        var buffer: [UInt8] = [0xaa]
        #expect(throws: WireError.oversized(Frame.maximum + 1)) {
            try Frame.append(to: &buffer) { $0.bytes.append(contentsOf: longest + [5]) }
        }
        #expect(buffer == [0xaa])
    }

    @Test func failedBodyLeavesTheBufferAsItWas() {
        var buffer: [UInt8] = [1, 2, 3]
        #expect(throws: WireError.truncated) {
            try Frame.append(to: &buffer) {
                $0.bytes.append(9)
                throw WireError.truncated
            }
        }
        #expect(buffer == [1, 2, 3])
    }

    @Test(arguments: [1, 2, 3, 4, 5, 7, 64, 1000])
    func piecesOfAnySizeGiveTheSamePayloads(size: Int) throws {
        let payloads: [[UInt8]] = [[1], [2, 2], Array(repeating: 3, count: 300), [4], Array(repeating: 5, count: 99)]
        let stream = try payloads.flatMap(frame)
        var decoder = FrameDecoder()
        var seen: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: size) {
            decoder.append(stream[start..<min(start + size, stream.count)])
            while let payload = try decoder.next() { seen.append(Array(payload)) }
        }
        #expect(seen == payloads)
        #expect(decoder.isAtBoundary)
    }

    @Test func boundaryIsKnown() throws {
        var decoder = FrameDecoder()
        #expect(decoder.isAtBoundary)
        for byte in [0, 0, 0, 2, 8] as [UInt8] {
            decoder.append([byte])
            #expect(try decoder.next() == nil)
            #expect(!decoder.isAtBoundary)
        }
        decoder.append([9])
        #expect(try decoder.next().map(Array.init) == [8, 9])
        #expect(decoder.isAtBoundary)
    }

    /// The length is judged before a byte of the payload is waited for.
    @Test(arguments: [("00000000", 0), ("00010001", 65_537), ("7fffffff", 2_147_483_647), ("ffffffff", 4_294_967_295)])
    func impossibleLengthIsRefusedAtOnce(header: String, size: Int) {
        var decoder = FrameDecoder()
        decoder.append(bytes(header))
        #expect(throws: WireError.oversized(size)) { try decoder.next() }
    }

    @Test func longStreamKeepsItsBufferSmall() throws {
        var decoder = FrameDecoder()
        let piece = try frame(Array(repeating: 6, count: 1000))
        var count = 0
        for _ in 0..<5000 {
            decoder.append(piece)
            while let payload = try decoder.next() {
                count += 1
                #expect(payload.count == 1000)
                #expect(payload.endIndex < 8 * piece.count)
            }
        }
        #expect(count == 5000)
    }
}
