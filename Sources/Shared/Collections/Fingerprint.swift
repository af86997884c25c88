// A number for a sequence of texts or bytes that is the same in every process and version.

/// FNV-1a, 64 bits (draft-eastlake-fnv): finds accidents, not malice. Swift's own hashes differ from process to process.
public struct Fingerprint: Sendable {
    public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    public init() {}

    public mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { add(UInt64(byte)) }
    }

    /// A whole number in one step.
    public mutating func add(_ word: UInt64) {
        value = (value ^ word) &* 0x0000_0100_0000_01B3
    }

    /// Ended by a byte that no UTF-8 text contains, so that the borders between texts count.
    public mutating func add(_ text: String) {
        add(text.utf8)
        add(CollectionOfOne(0xFF))
    }
}
