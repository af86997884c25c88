// The name of a version of the application: also the name of its folder.

public enum PackageVersion {
    static let longest = 40
    public static let rule =
        "1 to \(longest) of A-Z, a-z, 0-9, ., _ and -, not beginning with . or -, and not 'current'"
    /// The link that names the version to be run.
    public static let current = "current"

    public static func isValid(_ text: String) -> Bool {
        guard (1...longest).contains(text.utf8.count), text != current else { return false }
        guard text.utf8.allSatisfy(Setting.allowsInName) else { return false }
        return text.utf8.first != UInt8(ascii: ".") && text.utf8.first != UInt8(ascii: "-")
    }
}

extension Setting {
    /// The name of a version.
    func version() throws -> String {
        guard let text = try? string(), PackageVersion.isValid(text) else {
            throw mismatch("a version: \(PackageVersion.rule)")
        }
        return text
    }
}
