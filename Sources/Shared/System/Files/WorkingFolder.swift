// Paths as seen from the working folder.

import Glibc
import Shared

extension FilePath {
    /// `path` as an absolute one, seen from the working folder.
    public static func absolute(_ path: String) -> String { absolute(path, from: workingFolder()) }

    /// The folder of a file, by its path alone.
    public static func folder(of path: String) -> String { absolute("\(path)/..", from: workingFolder()) }

    private static func workingFolder() -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress, getcwd(start, buffer.count) != nil else { return "/" }
            return String(cString: start)
        }
    }
}
