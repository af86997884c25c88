// Paths as texts.

import Glibc

public enum FilePath {
    /// `path` as an absolute one, seen from the working folder.
    public static func absolute(_ path: String) -> String { absolute(path, from: workingFolder()) }

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

    /// The folder of a file, by its path alone.
    public static func folder(of path: String) -> String { absolute("\(path)/..", from: workingFolder()) }

    private static func workingFolder() -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress, getcwd(start, buffer.count) != nil else { return "/" }
            return String(cString: start)
        }
    }
}
