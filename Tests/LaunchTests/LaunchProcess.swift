// A launch of a test's own, which stands in master's place.

import CLinux
import Glibc
import Shared
import SharedSystem
import TestSupport

@testable import Policy
@testable import master

/// What is left to read of a start.
struct StartedProcess {
    let pid: Int32
    let pidfd: Descriptor
    let output: Descriptor
    let execution: Descriptor

    /// Why the program was not executed, or "" where it was. Whoever makes processes at that moment may hold a copy of
    /// the pipe for as long as that takes.
    func executionFailure() async throws -> String { try await content(of: execution) }

    /// What it wrote until all who could have closed it.
    func text() async throws -> String { try await content(of: output) }

    func exitStatus() async throws -> Int32 {
        try await eventually("process \(pid) ends") {
            var status: Int32 = 0
            return clinux_wait(pid, 0, &status) == 0 ? status : nil
        }
    }
}

/// Everything from a pipe, to its end.
func content(of pipe: Descriptor) async throws -> String {
    var bytes: [UInt8] = []
    return try await eventually("a pipe ends") {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while let size = try attempt("read", { read(pipe.number, &buffer, buffer.count) }) {
            if size == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<size]
        }
        return nil
    }
}

final class LaunchProcess {
    let process: TestSupport.Child
    private(set) var channel: Descriptor?
    private var lastNumber: UInt64 = 0
    private let errors: Scratch

    init() throws {
        var ends: [Int32] = [-1, -1]
        try check("socketpair") { clinux_packet_socketpair(&ends) }
        let (own, other) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
        errors = try Scratch()
        process = try TestSupport.Child(
            "\(try Executables.folder())/launch", [], environment: [:],
            descriptors: [try Scratch.nothing(), errors.descriptor, errors.descriptor, other])
        channel = own
    }

    func close() { channel = nil }

    /// How many files it has open.
    var openFiles: Int { FolderNames.of("/proc/\(process.pid)/fd").count }

    // MARK: packets

    func send(_ bytes: [UInt8], _ descriptors: [Descriptor]) async throws {
        let channel = try opened()
        let numbers = descriptors.map(\.number)
        try await eventually("the channel takes a packet") {
            try attempt("sendmsg") {
                clinux_send(channel.number, bytes, bytes.count, numbers, Int32(numbers.count))
            } != nil
        }
    }

    func answer() async throws -> LaunchAnswer {
        let channel = try opened()
        return try await eventually("launch answers") { try LaunchAnswer(from: channel) }
    }

    private func opened() throws -> Descriptor {
        guard let channel else { throw TreeError("the channel is closed") }
        return channel
    }

    // MARK: starts

    /// Sends a request, and answers the read ends of the output and of what tells of the execution.
    func ask(
        _ command: [String], env: [String: String] = [:], account: String? = nil, gently: Bool = false,
        _ edit: (inout WorkerPlan) -> Void = { _ in }
    ) async throws -> (output: Descriptor, execution: Descriptor) {
        var plan = WorkerPlan()
        plan.command = command
        plan.folder = "/tmp"
        edit(&plan)
        let (output, execution) = (try WorkerChild.pipe(), try WorkerChild.pipe())
        lastNumber += 1
        let request = LaunchRequest(
            number: lastNumber, plan, env: env.merging(["PATH": "/usr/bin:/bin"]) { own, _ in own }, account: account,
            gently: gently, descriptors: [output.write, try Scratch.nothing(), execution.write])
        let channel = try opened()
        try await eventually("the channel takes a request") { try request.send(to: channel) }
        return (output.read, execution.read)
    }

    func start(
        _ command: [String], env: [String: String] = [:], account: String? = nil, gently: Bool = false,
        _ edit: (inout WorkerPlan) -> Void = { _ in }
    ) async throws -> StartedProcess {
        let (output, execution) = try await ask(command, env: env, account: account, gently: gently, edit)
        let answer = try await answer()
        guard answer.number == lastNumber, answer.error == 0, let pidfd = answer.pidfd else {
            throw TreeError("launch answers \(answer) and not to \(lastNumber); it says: \(try errors.text())")
        }
        return StartedProcess(pid: answer.pid, pidfd: pidfd, output: output, execution: execution)
    }
}
