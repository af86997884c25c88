// Small files and folders, read whole: of /proc, and of the state folder.

import Glibc
import Shared

enum SmallFile {
    /// - Parameter limit: in bytes; what is beyond is left out.
    static func read(_ path: String, limit: Int) throws -> [UInt8] {
        let file = Descriptor(owning: try check("open", path) { open(path, O_RDONLY | O_CLOEXEC) })
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while content.count < limit {
            let size = try check("read", path) { Glibc.read(file.number, &buffer, buffer.count) }
            if size == 0 { break }
            content += buffer[..<size]
        }
        return content
    }
}

enum FolderNames {
    /// The names in a folder; none where it cannot be read.
    static func of(_ folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
