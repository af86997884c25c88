// The compact binary form of values: how a field becomes bytes and back. No I/O.

/// What can be wrong with bytes that should be a message.
public enum WireError: Error, Equatable, CustomStringConvertible {
    case truncated
    case trailing(Int)
    case oversized(Int)
    case unknownType(UInt8)
    /// A message that its own list of cases does not have.
    case unnumbered
    case invalid(String)

    public var description: String {
        switch self {
        case .truncated: "message ends too early"
        case .trailing(let count): "\(count) bytes too many in a message"
        case .oversized(let size): "frame of \(size) bytes (1 to \(Frame.maximum) are allowed)"
        case .unknownType(let type): "unknown message type \(type)"
        case .unnumbered: "a message without a number"
        case .invalid(let what): "invalid \(what)"
        }
    }
}

/// Walks over the fields of a value: writing takes each field's value, reading sets it. One list of fields serves for
/// both directions, so that they cannot differ.
public protocol WireCoder {
    mutating func field(_ value: inout UInt8) throws
    mutating func field(_ value: inout UInt32) throws
    mutating func field(_ value: inout UInt64) throws
    /// UTF-8, at most 65,535 bytes.
    mutating func field(_ value: inout String) throws
    /// The number of elements of a list: writing takes `count`, reading answers what was written.
    mutating func count(_ count: Int) throws -> Int
}

/// A value that is sent in a message: its fields in their order on the wire.
public protocol WireValue: Equatable, Sendable {
    init()
    mutating func fields(_ coder: inout some WireCoder) throws
}

extension WireCoder {
    public mutating func field(_ value: inout Bool) throws {
        var byte: UInt8 = value ? 1 : 0
        try field(&byte)
        guard byte <= 1 else { throw WireError.invalid("truth value \(byte)") }
        value = byte == 1
    }

    public mutating func field(_ value: inout Int32) throws {
        var bits = UInt32(bitPattern: value)
        try field(&bits)
        value = Int32(bitPattern: bits)
    }

    public mutating func field(_ value: inout Int64) throws {
        var bits = UInt64(bitPattern: value)
        try field(&bits)
        value = Int64(bitPattern: bits)
    }

    public mutating func field(_ value: inout Int) throws {
        var wide = Int64(value)
        try field(&wide)
        value = Int(wide)
    }

    public mutating func field(_ value: inout Double) throws {
        var bits = value.bitPattern
        try field(&bits)
        // Nothing that is measured is infinite, and JSON could not say it.
        guard Double(bitPattern: bits).isFinite else { throw WireError.invalid("number") }
        value = Double(bitPattern: bits)
    }

    public mutating func field(_ value: inout Duration) throws {
        var nanoseconds = value.nanoseconds
        try field(&nanoseconds)
        value = .nanoseconds(nanoseconds)
    }

    public mutating func field<Value: WireValue>(_ value: inout Value) throws {
        try value.fields(&self)
    }

    public mutating func field<Value: RawRepresentable<UInt8>>(_ value: inout Value) throws {
        var raw = value.rawValue
        try field(&raw)
        guard let known = Value(rawValue: raw) else { throw WireError.invalid("\(Value.self) \(raw)") }
        value = known
    }

    public mutating func field(_ value: inout String?) throws {
        try optional(&value, blank: "") { try $0.field(&$1) }
    }

    public mutating func field(_ value: inout UInt64?) throws {
        try optional(&value, blank: 0) { try $0.field(&$1) }
    }

    public mutating func field(_ value: inout Int?) throws {
        try optional(&value, blank: 0) { try $0.field(&$1) }
    }

    public mutating func field(_ value: inout Int64?) throws {
        try optional(&value, blank: 0) { try $0.field(&$1) }
    }

    public mutating func field(_ value: inout Int32?) throws {
        try optional(&value, blank: 0) { try $0.field(&$1) }
    }

    public mutating func field(_ value: inout Double?) throws {
        try optional(&value, blank: 0) { try $0.field(&$1) }
    }

    public mutating func field(_ value: inout Duration?) throws {
        try optional(&value, blank: .zero) { try $0.field(&$1) }
    }

    public mutating func field<Value: WireValue>(_ value: inout Value?) throws {
        try optional(&value, blank: Value()) { try $0.field(&$1) }
    }

    public mutating func field<Value: RawRepresentable<UInt8> & CaseIterable>(_ value: inout Value?) throws {
        guard let blank = Value.allCases.first else { return }
        try optional(&value, blank: blank) { try $0.field(&$1) }
    }

    public mutating func field(_ value: inout [String]) throws {
        try list(&value, blank: "") { try $0.field(&$1) }
    }

    public mutating func field(_ value: inout [String]?) throws {
        try optional(&value, blank: []) { try $0.field(&$1) }
    }

    public mutating func field<Value: WireValue>(_ value: inout [Value]) throws {
        try list(&value, blank: Value()) { try $0.field(&$1) }
    }

    /// In the order of the keys, so that equal values are equal bytes.
    public mutating func field(_ value: inout [String: String]) throws {
        var keys = value.keys.sorted()
        try field(&keys)
        var values = keys.map { value[$0] ?? "" }
        try field(&values)
        guard keys.count == values.count else { throw WireError.invalid("table") }
        value = Dictionary(zip(keys, values)) { first, _ in first }
    }

    private mutating func optional<Value>(
        _ value: inout Value?, blank: Value, _ body: (inout Self, inout Value) throws -> Void
    ) throws {
        var present = value != nil
        try field(&present)
        guard present else {
            value = nil
            return
        }
        var content = value ?? blank
        try body(&self, &content)
        value = content
    }

    private mutating func list<Value>(
        _ value: inout [Value], blank: Value, _ body: (inout Self, inout Value) throws -> Void
    ) throws {
        let total = try count(value.count)
        if total < value.count { value.removeLast(value.count - total) }
        // An announced count is no reason to reserve memory: each element has to be there.
        for index in 0..<total {
            if index == value.count { value.append(blank) }
            try body(&self, &value[index])
        }
    }
}

/// Appends fields to bytes.
public struct WireWriter: WireCoder {
    public var bytes: [UInt8]

    public init() {
        bytes = []
    }

    /// Takes over the content of `buffer`, which is empty until the writer's bytes are put back.
    init(appendingTo buffer: inout [UInt8]) {
        bytes = buffer
        buffer = []
    }

    public mutating func field(_ value: inout UInt8) {
        bytes.append(value)
    }

    public mutating func field(_ value: inout UInt32) {
        integer(value)
    }

    public mutating func field(_ value: inout UInt64) {
        integer(value)
    }

    public mutating func field(_ value: inout String) throws {
        let text = value.utf8
        guard text.count <= Int(UInt16.max) else { throw WireError.oversized(text.count) }
        integer(UInt16(text.count))
        bytes.append(contentsOf: text)
    }

    public mutating func count(_ count: Int) throws -> Int {
        guard let size = UInt16(exactly: count) else { throw WireError.oversized(count) }
        integer(size)
        return count
    }

    private mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
}

/// Reads fields from bytes.
public struct WireReader: WireCoder {
    private var rest: ArraySlice<UInt8>

    public init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    public mutating func field(_ value: inout UInt8) throws {
        value = try integer()
    }

    public mutating func field(_ value: inout UInt32) throws {
        value = try integer()
    }

    public mutating func field(_ value: inout UInt64) throws {
        value = try integer()
    }

    public mutating func field(_ value: inout String) throws {
        let size = Int(try integer() as UInt16)
        guard rest.count >= size else { throw WireError.truncated }
        guard let text = String(validating: rest.prefix(size), as: UTF8.self) else { throw WireError.invalid("UTF-8") }
        rest = rest.dropFirst(size)
        value = text
    }

    public mutating func count(_ count: Int) throws -> Int {
        Int(try integer() as UInt16)
    }

    /// - Throws: `WireError.trailing` when bytes are left over.
    public func finish() throws {
        guard rest.isEmpty else { throw WireError.trailing(rest.count) }
    }

    private mutating func integer<Value: FixedWidthInteger>() throws -> Value {
        let size = Value.bitWidth / 8
        guard rest.count >= size else { throw WireError.truncated }
        defer { rest = rest.dropFirst(size) }
        return rest.prefix(size).reduce(0) { $0 << 8 | Value($1) }
    }
}
