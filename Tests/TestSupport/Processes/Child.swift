// A program that a test has started: watched by polling, ended by its pid, reaped.

import CLinux
import Glibc
import Shared
import SharedSystem
import Synchronization

/// A direct child of the test in a session of its own. Nothing here blocks: tests run on as many threads as there are
/// cores. The process is killed and reaped when the last reference goes.
package final class Child: Sendable {
    package let name: String
    package let pid: pid_t
    private let end = Mutex<Int32?>(nil)

    /// - Parameter descriptors: become its 0, 1, 2 and so on.
    package init(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], descriptors: [Descriptor]
    ) throws {
        var variables = ["PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin", "LC_ALL": "C.UTF-8"]
        variables.merge(environment) { $1 }
        var argv = ([path] + arguments).map { strdup($0) } + [nil]
        var envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        OpenDescriptors.stayHere()
        let code = clinux_spawn(&pid, path, &argv, &envp, descriptors.map(\.number), Int32(descriptors.count))
        guard code == 0 else { throw SystemError("posix_spawn", path, code: code) }
        self.pid = pid
        name = path.split(separator: "/").last.map(String.init) ?? path
    }

    deinit {
        guard exitStatus == nil else { return }
        kill(pid, SIGKILL)
        while waitpid(pid, nil, 0) < 0 && errno == EINTR {}
    }

    /// How it ended: its exit code, or minus the number of the signal that ended it. Nil while it runs.
    package var exitStatus: Int32? {
        end.withLock { end in
            var status: Int32 = 0
            if end == nil, clinux_wait(pid, 0, &status) == 0 { end = status }
            return end
        }
    }

    /// Sends a signal, unless the process has ended.
    package func signal(_ signal: Int32) {
        end.withLock { if $0 == nil { kill(pid, signal) } }
    }

    /// Waits for the end of the process and answers its exit status.
    package func exit(within limit: Duration = .seconds(180)) async throws -> Int32 {
        try await eventually("\(name) (process \(pid)) ends", within: limit, every: .milliseconds(3)) { exitStatus }
    }
}

/// What a program said, and how it ended.
package struct CommandResult: Sendable {
    /// The exit code, or minus the number of a signal.
    package let status: Int32
    package let output: String
    package let errors: String

    /// Runs a program to its end; standard input is /dev/null.
    package static func of(
        _ path: String, _ arguments: [String], environment: [String: String] = [:],
        within limit: Duration = .seconds(180)
    ) async throws -> CommandResult {
        let (output, errors) = (try Scratch(), try Scratch())
        let child = try Child(
            path, arguments, environment: environment,
            descriptors: [try Scratch.nothing(), output.descriptor, errors.descriptor])
        let status = try await child.exit(within: limit)
        return CommandResult(status: status, output: try output.text(), errors: try errors.text())
    }
}

/// A file without a name, for the output of a program.
package struct Scratch: Sendable {
    package let descriptor: Descriptor

    package init() throws {
        let path = "/tmp/st-output.\(UInt64.random(in: 0 ... .max))"
        descriptor = Descriptor(
            owning: try check("open", path) { open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) })
        unlink(path)
    }

    package func text() throws -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let size = try check("pread") { pread(descriptor.number, &buffer, buffer.count, bytes.count) }
            if size == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<size]
        }
    }

    /// /dev/null
    package static func nothing() throws -> Descriptor {
        Descriptor(owning: try check("open", "/dev/null") { open("/dev/null", O_RDWR | O_CLOEXEC) })
    }
}
