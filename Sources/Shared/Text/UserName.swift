// The name of a user: also a folder, a socket and a part of a host name.

/// 1 to 40 of the characters a-z, 0-9 and hyphen; never a path, never a host name of several labels.
public struct UserName: Hashable, Comparable, Sendable, CustomStringConvertible {
    static let longest = 40
    public static let rule = "1 to \(longest) of a-z, 0-9 and -"

    public let text: String

    /// Nil where `text` breaks the rule.
    public init?(_ text: some StringProtocol) {
        guard (1...Self.longest).contains(text.utf8.count), text.utf8.allSatisfy(Self.allows) else { return nil }
        self.text = String(text)
    }

    private static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }

    public var description: String { text }

    public static func < (left: UserName, right: UserName) -> Bool { left.text < right.text }
}

extension UserName: WireValue {
    /// The blank that a reader overwrites.
    public init() {
        text = ""
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        var text = text
        try coder.field(&text)
        guard let name = UserName(text) else { throw WireError.invalid("user name '\(text)'") }
        self = name
    }
}
