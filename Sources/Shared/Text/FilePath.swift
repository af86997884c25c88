// Paths as texts.

public enum FilePath {
    /// The longest path of a Unix socket, in bytes: `sun_path` less its end (unix(7)).
    public static let longestSocket = 107

    /// `path` as an absolute one: seen from `folder` unless it begins with a slash; without `.`, `..`, doubled or
    /// trailing slashes. Nothing is looked up: symbolic links stay what they are.
    public static func absolute(_ path: String, from folder: String) -> String {
        let whole = path.utf8.first == UInt8(ascii: "/") ? path : "\(folder)/\(path)"
        var parts: [Substring] = []
        for part in whole.split(separator: "/") {
            switch part {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }
}
