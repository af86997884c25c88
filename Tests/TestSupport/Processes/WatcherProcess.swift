// A watcher's real executable at the other end of a channel, as master would have started it.

import CLinux
import Foundation
import Glibc
import Shared
import SharedSystem

/// What went wrong with a process under test.
package enum WatcherProcessError: Error, CustomStringConvertible {
    case silent(String, Duration)
    case running(String, Duration)

    package var description: String {
        switch self {
        case .silent(let name, let limit): "\(name) said nothing of what was awaited within \(limit)"
        case .running(let name, let limit): "\(name) still ran after \(limit)"
        }
    }
}

/// An executable of this package, started with one end of a channel as fd 3 and a session of its own.
///
/// Nothing here blocks for long: tests run on as many threads as there are cores. The process is killed by its pid and
/// reaped when the last reference goes.
package final class WatcherProcess<Orders: Message, Report: Message> {
    package let name: String
    package let pid: pid_t
    private var channel: Channel<Report, Orders>?
    private var received: [Packet<Report>] = []
    private var status: Int32?

    /// Starts `name` from the folder of the test bundle.
    ///
    /// - Parameter output: becomes its standard output and error; nil leaves it this process's own.
    package init(
        _ name: String, arguments: [String] = [], environment: [String: String] = [:], generation: UInt64 = 1,
        output: Descriptor? = nil
    ) throws {
        self.name = name
        let pair = try Self.socketPair()
        let null = Descriptor(owning: try check("open") { open("/dev/null", O_RDWR | O_CLOEXEC) })
        var variables = ["PATH": "/usr/bin:/bin", "STEWARD_WATCHER": String(generation)]
        variables.merge(environment) { $1 }
        let path = try Self.executable(name)
        pid = try Self.spawn(
            path, [path] + arguments, variables.map { "\($0.key)=\($0.value)" },
            [null.number, output?.number ?? 1, output?.number ?? 2, pair.theirs.number])
        channel = Channel(pair.ours)
    }

    deinit {
        guard status == nil else { return }
        kill(pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    }

    package func send(_ order: Orders, with descriptor: Descriptor? = nil) throws {
        try channel?.send(order, with: descriptor)
    }

    package func ping() throws {
        try channel?.send(.ping)
    }

    /// The first packet for which `pick` answers something; those before it are dropped.
    ///
    /// - Throws: `WatcherProcessError.silent` at the deadline, or the channel's error.
    package func receive<Result>(
        within limit: Duration = .seconds(180), _ pick: (Packet<Report>) -> Result?
    ) async throws -> Result {
        let deadline = Instant.now() + limit
        while true {
            while !received.isEmpty {
                if let result = pick(received.removeFirst()) { return result }
            }
            try channel?.flush()
            received = try channel?.receive().map(\.packet) ?? []
            if received.isEmpty {
                guard Instant.now() < deadline else { throw WatcherProcessError.silent(name, limit) }
                try await Task.sleep(for: .milliseconds(2))
            }
        }
    }

    /// The next report for which `pick` answers something.
    package func report<Result>(
        within limit: Duration = .seconds(180), _ pick: (Report) -> Result?
    ) async throws -> Result {
        try await receive(within: limit) { packet in
            guard case .body(let report) = packet else { return nil }
            return pick(report)
        }
    }

    /// Everything that has been received by now, without waiting.
    package func pending() throws -> [Packet<Report>] {
        try channel?.flush()
        while let more = try channel?.receive(), !more.isEmpty { received.append(contentsOf: more.map(\.packet)) }
        defer { received = [] }
        return received
    }

    /// Closes this end of the channel, as master's death does.
    package func hangUp() {
        channel = nil
    }

    /// Waits until the process has been stopped by a signal.
    package func stopped(within limit: Duration = .seconds(180)) async throws {
        let deadline = Instant.now() + limit
        while try !String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8).contains(") T ") {
            guard Instant.now() < deadline else { throw WatcherProcessError.running(name, limit) }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Waits for the process to end: its exit code, or minus the number of the signal that ended it.
    package func exit(within limit: Duration = .seconds(180)) async throws -> Int32 {
        let deadline = Instant.now() + limit
        while true {
            if let status { return status }
            var ended: Int32 = 0
            if clinux_wait(pid, 0, &ended) == 0 {
                status = ended
                return ended
            }
            guard Instant.now() < deadline else { throw WatcherProcessError.running(name, limit) }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// The path of a built executable: all of them lie beside the test bundle.
    package static func executable(_ name: String) throws -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let size = try check("readlink") { readlink("/proc/self/exe", &buffer, buffer.count) }
        let path = String(decoding: buffer[..<size].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return path.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/" + name
    }

    private static func socketPair() throws -> (ours: Descriptor, theirs: Descriptor) {
        var numbers: [Int32] = [-1, -1]
        try check("socketpair") { clinux_socketpair(&numbers) }
        return (Descriptor(owning: numbers[0]), Descriptor(owning: numbers[1]))
    }

    private static func spawn(
        _ path: String, _ arguments: [String], _ environment: [String], _ descriptors: [Int32]
    ) throws -> pid_t {
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = environment.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        OpenDescriptors.stayHere()
        let code = clinux_spawn(&pid, path, &argv, &envp, descriptors, Int32(descriptors.count))
        guard code == 0 else { throw SystemError("posix_spawn", path, code: code) }
        return pid
    }
}
