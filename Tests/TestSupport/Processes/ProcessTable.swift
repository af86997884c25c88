// The processes of the machine as /proc shows them.

import Glibc
import Shared
import SharedSystem

/// A process that cannot be mistaken for a later one with the same pid.
package struct ProcessIdentity: Hashable, Sendable, CustomStringConvertible {
    package let pid: pid_t
    /// In clock ticks since the boot.
    package let started: UInt64

    /// Nil where there is no process, or only a zombie that has not been reaped yet.
    package init?(_ pid: pid_t) {
        guard let text = ProcessTable.file("/proc/\(pid)/stat").map({ String(decoding: $0, as: UTF8.self) }),
            // The second field is a name in parentheses, which may hold anything.
            let name = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[name...].split(separator: " ")
        guard fields.count > 20, fields[1] != "Z", fields[1] != "X", let started = UInt64(fields[20]) else {
            return nil
        }
        self.pid = pid
        self.started = started
    }

    package var isAlive: Bool { ProcessIdentity(pid) == self }

    package var description: String {
        let words = ProcessTable.file("/proc/\(pid)/cmdline")?.split(separator: 0) ?? []
        return "\(pid) (\(words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")))"
    }
}

package enum ProcessTable {
    /// Every process of the machine that runs now.
    package static func all() -> [ProcessIdentity] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var found: [ProcessIdentity] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { $0.prefix { $0 != 0 }.map { $0 } }
            if let pid = pid_t(String(decoding: name, as: UTF8.self)), let identity = ProcessIdentity(pid) {
                found.append(identity)
            }
        }
        return found
    }

    /// The processes that were started with all of these variables in their environment.
    package static func withEnvironment(_ variables: [String: String]) -> [ProcessIdentity] {
        let wanted = variables.map { Array("\($0.key)=\($0.value)".utf8)[...] }
        return all().filter { process in
            let environment = Set(file("/proc/\(process.pid)/environ")?.split(separator: 0) ?? [])
            return wanted.allSatisfy(environment.contains)
        }
    }

    /// The whole content of a file of /proc, or nil where it cannot be read.
    static func file(_ path: String) -> [UInt8]? {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let file = Descriptor(owning: number)
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let size = read(file.number, &buffer, buffer.count)
            if size < 0 { return nil }
            if size == 0 { return content }
            content += buffer[..<size]
        }
    }
}
