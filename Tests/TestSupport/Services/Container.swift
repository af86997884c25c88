// A real systemd for tests: booted in a container over a throw-away overlay of this machine's own root.
//
// What is changed inside is in memory, and gone with it. Its network is its own; its Unix sockets are reached from
// outside by their path below `root`.

import CLinux
import Foundation
import Shared
import SharedSystem
import Synchronization

package final class Container: Sendable {
    private let child: Child
    /// systemd in the container, as seen from outside.
    private let leader: pid_t
    /// The write end of a pipe: the container lives as long as it is open.
    private let lifeline: Mutex<Descriptor?>
    private let errors: Scratch

    /// The root folder of the container, from outside. Symbolic links in it that begin with / lead out of it.
    package var root: String { "/proc/\(leader)/root" }

    // MARK: whether it can be

    /// Why no container can be booted here, or nil where one can.
    package static let obstacle: String? = findObstacle()

    private static let script = Sources.path("Tests/Container/container")

    private static func findObstacle() -> String? {
        guard geteuid() == 0 else { return "a container with systemd needs root" }
        for program in ["/usr/bin/systemd-nspawn", "/usr/lib/systemd/systemd", "/usr/bin/nsenter"]
        where access(program, X_OK) != 0 {
            return "a container with systemd needs \(program)"
        }
        guard let folder = try? newFolder() else { return "no folder for a container with systemd" }
        defer { rmdir(folder) }
        guard let probe = popen("'\(script)' --probe '\(folder)' 2>&1", "r") else { return "no shell" }
        defer { pclose(probe) }
        var line = [CChar](repeating: 0, count: 400)
        guard fgets(&line, Int32(line.count), probe) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "no container with systemd can be booted: \(text.trimmingCharacters(in: .newlines))"
    }

    private static func newFolder() throws -> String {
        var template = Array("/tmp/st-root-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: life

    /// Runs `body` in a booted container and ends it, whatever happens.
    package static func with(_ body: (Container) async throws -> Void) async throws {
        let container = try await Container()
        do {
            try await body(container)
        } catch {
            try? await container.end()
            throw error
        }
        try await container.end()
    }

    private init() async throws {
        errors = try Scratch()
        let output = try Scratch()
        var ends: [Int32] = [-1, -1]
        try check("pipe2") { clinux_pipe(&ends) }
        let input = Descriptor(owning: ends[0])
        lifeline = Mutex(Descriptor(owning: ends[1]))
        let started = try Child(
            Self.script, [try Self.newFolder()], descriptors: [input, output.descriptor, errors.descriptor])
        child = started
        do {
            leader = try await Self.boot(started, output)
        } catch {
            lifeline.withLock { $0 = nil }
            _ = try? await started.exit()
            throw TreeError("\(error)\n\(try errors.text().suffix(2000))")
        }
    }

    /// Waits until systemd says that it is up; answers its process.
    private static func boot(_ child: Child, _ output: Scratch) async throws -> pid_t {
        try await eventually("the container is up", every: .milliseconds(50)) {
            if let status = child.exitStatus { throw TreeError("the container ended with \(status)") }
            guard let nspawn = pid_t(try output.text().trimmingCharacters(in: .newlines)),
                let children = ProcessTable.file("/proc/\(nspawn)/task/\(nspawn)/children"),
                let leader = pid_t(String(decoding: children, as: UTF8.self).trimmingCharacters(in: .whitespaces))
            else { return nil }
            let state = try await enter(leader, ["systemctl", "is-system-running"]).output
            return ["running\n", "degraded\n"].contains(state) ? leader : nil
        }
    }

    private func end() async throws {
        lifeline.withLock { $0 = nil }
        let status = try await child.exit()
        guard status == 0 else {
            throw TreeError("the container ended with \(status): \(try errors.text().suffix(2000))")
        }
    }

    // MARK: what is done in it

    private static func enter(_ leader: pid_t, _ command: [String], within limit: Duration = .seconds(180)) async throws
        -> CommandResult
    {
        try await CommandResult.of(
            "/usr/bin/nsenter", ["--target", "\(leader)", "--all", "--"] + command, within: limit)
    }

    /// Runs a command as root, to its end.
    @discardableResult
    package func attempt(_ command: [String], within limit: Duration = .seconds(120)) async throws -> CommandResult {
        try await Self.enter(leader, command, within: limit)
    }

    /// Runs a command as root and answers its output.
    ///
    /// - Throws: `TreeError` with what it said where it does not end with 0.
    @discardableResult
    package func run(_ command: String...) async throws -> String {
        let result = try await attempt(command)
        guard result.status == 0 else {
            throw TreeError("\(command.joined(separator: " ")) ended with \(result.status): \(result.errors)")
        }
        return result.output
    }

    /// Writes a file, and the folders on the way to it.
    package func write(_ text: String, to path: String) throws {
        let folder = root + path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: root + path))
    }

    /// The content of a file, or nil where there is none.
    package func read(_ path: String) -> String? {
        ProcessTable.file(root + path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Where a Unix socket of the container answers.
    package func socket(_ path: String) -> Target { .unix(root + path) }
}
