// Folders under /tmp that belong to the test process which has made them, and what becomes of them when it is killed.
//
// A test ends and removes what it has made. One that is killed cannot: the next test process does it, before it makes its
// first folder. Whose a folder is, stands in it: pid and start time.

import Foundation
import Shared
import SharedSystem

package enum OwnedFolder {
    private static let prefixes = ["st-", "pg."]
    private static let owner = ".owner"
    private static let hasSwept: Void = sweep()

    /// Makes a folder /tmp/PREFIXxxxxxx, short enough for sockets in it.
    ///
    /// - Parameter prefix: `st-` or `pg.`.
    package static func make(_ prefix: String) throws -> String {
        hasSwept
        var template = Array("/tmp/\(prefix)XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        if let own = ProcessIdentity(getpid()) { try write(own.pid, own.started, in: path) }
        return path
    }

    static func write(_ pid: pid_t, _ started: UInt64, in path: String) throws {
        try "\(pid) \(started)".write(toFile: "\(path)/\(owner)", atomically: false, encoding: .utf8)
    }

    /// It is kept, for a look at it.
    static func release(_ path: String) { unlink("\(path)/\(owner)") }

    /// Removes the folders of test processes that are gone, after whatever still runs for them.
    static func sweep() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/tmp")) ?? []
        for name in names where prefixes.contains(where: name.hasPrefix) {
            let path = "/tmp/\(name)"
            guard isAbandoned(path) else { continue }
            end(path)
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    /// A shell that looks at the folder is left alone.
    private static func end(_ path: String) {
        for process in ProcessTable.all() {
            func content(_ name: String) -> [String] {
                (ProcessTable.file("/proc/\(process.pid)/\(name)") ?? []).split(separator: 0)
                    .map { String(decoding: $0, as: UTF8.self) }
            }
            let marks = ["STEWARD_TREE=\(path)", "STEWARD_RUNTIME=\(path)/run"]
            if content("environ").contains(where: marks.contains) { kill(process.pid, SIGKILL) }
            guard content("cmdline").contains(where: { $0.contains("\(path)/") }) else { continue }
            // These end their children themselves, and postgres its shared memory.
            switch content("comm").first {
            case "postgres\n": kill(process.pid, SIGQUIT)
            case "nginx\n": kill(process.pid, SIGTERM)
            case _: continue
            }
            kill(process.pid, SIGCONT)
        }
    }

    /// A folder that says nothing may be one that is just being made.
    private static func isAbandoned(_ path: String) -> Bool {
        guard let text = try? String(contentsOfFile: "\(path)/\(owner)", encoding: .utf8) else { return false }
        let words = text.split(separator: " ")
        guard words.count == 2, let pid = pid_t(words[0]), let started = UInt64(words[1]) else { return false }
        return ProcessIdentity(pid)?.started != started
    }
}
