// What /proc tells of a process (proc(5)).

import Glibc
import Policy
import Shared
import SharedSystem

/// The variables with which Steward marks its processes, as they were when the program was executed.
struct ProcessEnvironment {
    private var variables: [Substring: Substring] = [:]

    init(_ content: [UInt8]) {
        for variable in content.split(separator: 0) where Self.isOurs(variable) {
            let text = String(decoding: variable, as: UTF8.self)
            guard let equals = text.firstIndex(of: "=") else { continue }
            variables[text[..<equals]] = text[text.index(after: equals)...]
        }
    }

    private static func isOurs(_ variable: ArraySlice<UInt8>) -> Bool {
        variable.starts(with: "STEWARD_".utf8) || variable.starts(with: "LISTEN_PID=".utf8)
    }

    var runtime: String? { variables["STEWARD_RUNTIME"].map(String.init) }
    var isWatcher: Bool { variables["STEWARD_WATCHER"] != nil }
    /// The generation of a watcher, or of launch.
    var watcher: UInt64? { variables["STEWARD_WATCHER"].flatMap { UInt64($0) } }
    var database: String? { variables["STEWARD_DATABASE"].map(String.init) }
    /// Where that lies (`ConnectionInfo.place`).
    var place: UInt64? { variables["STEWARD_PLACE"].flatMap { UInt64($0) } }
    /// Its folder is called so.
    var version: String? {
        variables["STEWARD_PACKAGE"]?.split(separator: "/").last.map(String.init).flatMap {
            PackageVersion.isValid($0) ? $0 : nil
        }
    }
    var fingerprint: UInt64? { variables["STEWARD_PLAN"].flatMap { UInt64($0) } }

    /// The worker that it is, or that it descends from.
    var worker: WorkerID? { id("STEWARD_GENERATION") }
    /// The socket that the worker was given.
    var socket: SocketID? { id("STEWARD_SOCKET") }
    /// The process that launch has made a worker: its descendants inherit the number, and are not it.
    var leader: Int32? { variables["LISTEN_PID"].flatMap { Int32($0) } }

    private func id<ID: NumberedID>(_ number: Substring) -> ID? {
        guard let user = variables["STEWARD_USER"].flatMap({ UserName($0) }),
            let generation = variables[number].flatMap({ UInt64($0) })
        else { return nil }
        return ID(user: user, generation: generation)
    }
}

enum ProcessFiles {
    /// Nil where the process is gone, or another account's.
    static func environment(of pid: Int32) -> ProcessEnvironment? {
        (try? SmallFile.read("/proc/\(pid)/environ", limit: 1 << 20)).map(ProcessEnvironment.init)
    }

    /// The account that it runs as.
    static func account(of pid: Int32) -> uid_t? {
        var status = stat()
        return stat("/proc/\(pid)", &status) == 0 ? status.st_uid : nil
    }

    /// In clock ticks since the boot; 0 where there is no process, or only a zombie is left of it.
    static func startTime(of pid: Int32) -> UInt64 {
        guard let content = try? SmallFile.read("/proc/\(pid)/stat", limit: 4096),
            // The second field is a name in parentheses, which may hold anything.
            let name = content.lastIndex(of: UInt8(ascii: ")"))
        else { return 0 }
        let fields = content[name...].split(separator: UInt8(ascii: " "))
        guard fields.count > 20, fields[1] != [UInt8(ascii: "Z")] else { return 0 }
        return UInt64(String(decoding: fields[20], as: UTF8.self)) ?? 0
    }

    /// Processes and threads of one worker: one that forks without end must not take master's time with it.
    private static let mostLooks = 200

    /// Resident memory of a process and its descendants in bytes. What they share counts for each of them; beyond 200
    /// processes and threads no more are looked for. Nil where the process is gone.
    static func memory(of pid: Int32) -> Int? {
        guard var pages = residentPages(pid) else { return nil }
        var looks = 0
        var parents = [pid]
        while let parent = parents.popLast() {
            for thread in FolderNames.of("/proc/\(parent)/task").prefix(mostLooks - looks) {
                looks += 1
                for child in (try? children(of: parent, thread)) ?? [] {
                    pages += residentPages(child) ?? 0
                    parents.append(child)
                }
            }
        }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// The second field of /proc/PID/statm: without the walk over all pages that smaps_rollup costs.
    private static func residentPages(_ pid: Int32) -> Int? {
        guard let content = try? SmallFile.read("/proc/\(pid)/statm", limit: 4096) else { return nil }
        let fields = content.split(separator: UInt8(ascii: " "), maxSplits: 2)
        return fields.count > 1 ? Int(String(decoding: fields[1], as: UTF8.self)) : nil
    }

    /// The children of one thread: /proc/PID/task/TID/children (proc(5)).
    ///
    /// - Parameter limit: of the list in bytes; the first thousand children or so need 4,096.
    static func children(of pid: Int32, _ thread: String, limit: Int = 4096) throws -> [Int32] {
        children(listed: try SmallFile.read("/proc/\(pid)/task/\(thread)/children", limit: limit))
    }

    static func children(listed list: [UInt8]) -> [Int32] {
        list.split(separator: UInt8(ascii: " ")).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
    }

    /// Every process of the machine.
    static func all() -> [Int32] {
        FolderNames.of("/proc").compactMap { Int32($0) }
    }
}
