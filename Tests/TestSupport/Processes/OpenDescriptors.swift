// What a spawned process must not inherit.

import Glibc

enum OpenDescriptors {
    /// Marks every descriptor from 3 on as close-on-exec. Those of SwiftNIO are not: a server that a test starts would
    /// keep the connections of all others open, and their ends would never be seen.
    static func stayHere() {
        guard let folder = opendir("/proc/self/fd") else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { $0.prefix { $0 != 0 }.map { $0 } }
            if let number = Int32(String(decoding: name, as: UTF8.self)), number > 2 {
                _ = fcntl(number, F_SETFD, FD_CLOEXEC)
            }
        }
    }
}
