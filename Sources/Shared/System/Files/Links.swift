// Where symbolic links lead.

import Glibc
import Shared

extension FilePath {
    /// What a symbolic link says, which may be a path seen from its folder.
    public static func target(ofLink link: String) throws -> String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let size = try check("readlink", link) { readlink(link, &buffer, buffer.count) }
        return String(decoding: buffer[..<size], as: UTF8.self)
    }

    /// The path of what is there, without any link in it.
    public static func resolved(_ path: String) throws -> String {
        guard let text = realpath(path, nil) else { throw SystemError("realpath", path) }
        defer { free(text) }
        return String(cString: text)
    }
}
