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
    let startTime: UInt64?
    let pidfd: Descriptor
    let output: Descriptor
    /// Why the program was not executed; nil where it was.
    let executionFailure: String?

    /// What it wrote until all processes that could write had closed it.
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

    /// As `answer`, without a pause in which other tests could run.
    func answerAtOnce() throws -> LaunchAnswer {
        let channel = try opened()
        var state = pollfd(fd: channel.number, events: Int16(POLLIN), revents: 0)
        poll(&state, 1, 30_000)
        guard let answer = try LaunchAnswer(from: channel) else { throw TreeError("launch does not answer") }
        return answer
    }

    private func opened() throws -> Descriptor {
        guard let channel else { throw TreeError("the channel is closed") }
        return channel
    }

    // MARK: starts

    /// Sends a request, and answers the read end of the output.
    func ask(
        _ command: [String], env: [String: String] = [:], account: String? = nil, gently: Bool = false,
        _ edit: (inout WorkerPlan) -> Void = { _ in }
    ) throws -> Descriptor {
        var plan = WorkerPlan()
        plan.command = command
        plan.folder = "/tmp"
        edit(&plan)
        let output = try WorkerChild.pipe()
        lastNumber += 1
        let request = LaunchRequest(
            number: lastNumber, plan, env: env.merging(["PATH": "/usr/bin:/bin"]) { own, _ in own }, account: account,
            gently: gently, descriptors: [output.write, try Scratch.nothing()])
        guard try request.send(to: opened()) else { throw TreeError("the channel takes no request") }
        return output.read
    }

    func start(
        _ command: [String], env: [String: String] = [:], account: String? = nil, gently: Bool = false,
        _ edit: (inout WorkerPlan) -> Void = { _ in }
    ) async throws -> StartedProcess {
        let output = try ask(command, env: env, account: account, gently: gently, edit)
        var answers = [try await answer()]
        if account != nil {
            guard case .waits = answers[0].content else { throw try unexpected(answers) }
            answers[0] = try await answer()
        }
        answers.append(try await answer())
        guard answers.allSatisfy({ $0.number == lastNumber }),
            case .made(let pid, let startTime, let pidfd?) = answers[0].content,
            case .executed(let failure) = answers[1].content
        else { throw try unexpected(answers) }
        return StartedProcess(
            pid: pid, startTime: startTime, pidfd: pidfd, output: output, executionFailure: failure)
    }

    private func unexpected(_ answers: [LaunchAnswer]) throws -> TreeError {
        TreeError("launch answers \(answers) to \(lastNumber); it says: \(try errors.text())")
    }
}
