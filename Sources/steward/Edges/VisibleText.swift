// Text of unknown origin, for a terminal. No I/O.

/// Makes the characters visible that would steer a terminal: all controls but line feed and tab, and the format
/// characters of Unicode, which can turn the direction of writing.
struct VisibleText {
    /// The begin of a character whose rest has not come yet.
    private var begun: [UInt8] = []

    /// Shows a stream piece by piece; what is no UTF-8 becomes U+FFFD.
    mutating func visible(_ bytes: [UInt8]) -> [UInt8] {
        let all = begun + bytes
        let size = all.count - Self.unfinished(all)
        begun = Array(all[size...])
        return Array(Self.of(String(decoding: all[..<size], as: UTF8.self)).utf8)
    }

    static func of(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(contentsOf: steers(scalar) ? escaped(scalar).unicodeScalars : String(scalar).unicodeScalars)
        }
        return String(result)
    }

    private static func steers(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar != "\n" && scalar != "\t" else { return false }
        return switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// As in JSON, so that what is JSON stays it.
    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        scalar.utf16.map { unit in
            let digits = String(unit, radix: 16, uppercase: true)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }

    /// How many bytes at the end are the begin of a longer character.
    private static func unfinished(_ bytes: [UInt8]) -> Int {
        for (index, byte) in bytes.suffix(3).reversed().enumerated() {
            let length =
                switch byte {
                case 0xC2...0xDF: 2
                case 0xE0...0xEF: 3
                case 0xF0...0xF4: 4
                case 0x80...0xBF: 0
                default: 1
                }
            if length > 0 { return length > index + 1 ? index + 1 : 0 }
        }
        return 0
    }
}
