// The names in a folder.

import Glibc
import Shared

public enum FolderNames {
    /// In no order, without `.` and `..`.
    ///
    /// - Throws: `SystemError`, also where the folder could be read only in part.
    public static func read(_ path: String) throws -> [String] {
        guard let folder = opendir(path) else { throw SystemError("opendir", path) }
        defer { closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else {
                guard errno == 0 else { throw SystemError("readdir", path) }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
    }

    /// None where the folder cannot be read.
    public static func of(_ path: String) -> [String] { (try? read(path)) ?? [] }
}
