// JSON as far as Steward's own files need it. No I/O.
//
// By hand, because the library that would do it brings all of Foundation into the process (DESIGN.md, "Where code and
// plan part").

/// Reads one flat JSON object (RFC 8259): texts, whole numbers and words.
public struct JSONText {
    public enum Value: Equatable {
        case text(String)
        case number(UInt64)
        /// true, false, null, or a number of another kind.
        case word
    }

    private var rest: ArraySlice<UInt8>

    public init(_ bytes: some Collection<UInt8>) {
        rest = Array(bytes)[...]
    }

    /// The whole of the text as an object; nil where it is anything else.
    public mutating func object() -> [String: Value]? {
        var fields: [String: Value] = [:]
        guard take("{") else { return nil }
        if !take("}") {
            repeat {
                guard let key = string(), take(":"), let value = value() else { return nil }
                fields[key] = value
            } while take(",")
            guard take("}") else { return nil }
        }
        return rest.isEmpty ? fields : nil
    }

    private mutating func value() -> Value? {
        skipSpace()
        if rest.first == UInt8(ascii: "\"") { return string().map { .text($0) } }
        let word = rest.prefix { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "E"):
                true
            default: false
            }
        }
        guard !word.isEmpty else { return nil }
        rest = rest.dropFirst(word.count)
        return UInt64(String(decoding: word, as: UTF8.self)).map { .number($0) } ?? .word
    }

    private mutating func string() -> String? {
        guard take("\"") else { return nil }
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(validating: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = escaped() else { return nil }
                bytes += escaped
            default: bytes.append(byte)
            }
        }
        return nil
    }

    /// What stands behind a backslash, as UTF-8.
    private mutating func escaped() -> [UInt8]? {
        switch rest.popFirst() {
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "u"):
            guard let first = unit() else { return nil }
            guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first).map { Array(String($0).utf8) } }
            guard rest.starts(with: Array("\\u".utf8)) else { return nil }
            rest = rest.dropFirst(2)
            guard let second = unit() else { return nil }
            return String(validating: [first, second], as: UTF16.self).map { Array($0.utf8) }
        case let byte? where byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "/"):
            return [byte]
        default: return nil
        }
    }

    private mutating func unit() -> UInt16? {
        guard rest.count >= 4 else { return nil }
        defer { rest = rest.dropFirst(4) }
        return UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16)
    }

    private mutating func take(_ mark: Unicode.Scalar) -> Bool {
        skipSpace()
        guard rest.first == UInt8(ascii: mark) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func skipSpace() {
        rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    }

    public static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\r": quoted += "\\r"
            case "\0"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
