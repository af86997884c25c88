// Texts of bounded length: a message has room for so many bytes, a line for so many names.

extension String {
    /// The most bytes of a text of unknown origin in a message that holds several of them.
    public static let mostInMessage = 4096

    /// At most so many bytes of it, and a mark where something is missing.
    public func clipped(to bytes: Int = mostInMessage) -> String {
        guard utf8.count > bytes else { return self }
        var end = utf8.index(startIndex, offsetBy: bytes)
        while utf8[end] & 0xC0 == 0x80 { end = utf8.index(before: end) }
        return "\(self[..<end])…"
    }
}

extension Collection<String> {
    /// The first of them, and how many more there are.
    public func listed(atMost most: Int, separator: String = ", ") -> String {
        let first = prefix(most).joined(separator: separator)
        return count > most ? "\(first) and \(count - most) more" : first
    }
}
