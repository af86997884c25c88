// What the real command says and does when master answers in a given way.

import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport

/// What the command has said and asked, and its exit code.
struct Outcome {
    let status: Int32
    let output: String
    let errors: String
    let requests: [ControlRequest]
}

/// A folder with a configuration, and a socket on which given answers are sent.
struct FakeMaster {
    let folder: TemporaryFolder
    private let listener: Descriptor?

    /// - Parameter isThere: whether it listens.
    init(isThere: Bool = true) throws {
        folder = try TemporaryFolder()
        try "users: ./users\nlogs: ./logs\n".write(
            toFile: "\(folder.path)/steward.yaml", atomically: false, encoding: .utf8)
        for name in ["run", "users", "logs"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder.path)/\(name)", withIntermediateDirectories: false)
        }
        listener = isThere ? try UnixSocket.listen(at: "\(folder.path)/run/control.sock", mode: 0o600) : nil
    }

    /// Runs `steward`, and answers each request of it.
    ///
    /// - Parameters:
    ///   - output: its standard output, where that is to be a terminal.
    ///   - raw: bytes to be sent to the client that connects.
    ///   - answers: to a request, the last of them `done` or `refused`; nil hangs up.
    func run(
        _ arguments: [String], output: Descriptor? = nil, raw: [UInt8] = [],
        _ answers: (ControlRequest) -> [ControlAnswer]? = { _ in nil }
    ) async throws -> Outcome {
        let (standard, errors) = (try Scratch(), try Scratch())
        let child = try Child(
            "\(try Executables.folder())/steward", ["--config", "\(folder.path)/steward.yaml"] + arguments,
            descriptors: [try Scratch.nothing(), output ?? standard.descriptor, errors.descriptor])
        var channels: [Channel<ControlRequest, ControlAnswer>] = []
        var requests: [ControlRequest] = []
        try await eventually("steward \(arguments.joined(separator: " ")) ends", every: .milliseconds(2)) {
            if let client = try accept() {
                _ = send(client.descriptor.number, raw, raw.count, Int32(MSG_NOSIGNAL))
                channels.append(client)
            }
            for (index, channel) in channels.enumerated().reversed() {
                do {
                    try channel.flush()
                    for received in try channel.receive() {
                        guard case .body(let request) = received.packet else { continue }
                        requests.append(request)
                        guard let answers = answers(request) else { throw ChannelError.closed }
                        try channel.send(answers)
                    }
                } catch ChannelError.closed {
                    channels.remove(at: index)
                }
            }
            return child.exitStatus != nil
        }
        return Outcome(
            status: try await child.exit(), output: try standard.text(), errors: try errors.text(), requests: requests)
    }

    private func accept() throws -> Channel<ControlRequest, ControlAnswer>? {
        guard let listener else { return nil }
        let number = Glibc.accept(listener.number, nil, nil)
        guard number >= 0 else { return nil }
        _ = fcntl(number, F_SETFL, O_NONBLOCK)
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        return Channel(Descriptor(owning: number))
    }
}
