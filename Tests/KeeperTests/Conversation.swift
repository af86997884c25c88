import Glibc
import Shared
import SharedSystem

/// A visitor that says exactly what a test wants.
final class Conversation {
    /// What was heard until the other side ended.
    struct Answer {
        var text = ""
        /// The connection was reset: what the visitor had sent was thrown away unread.
        var isReset = false

        var status: Int? { text.split(separator: " ").dropFirst().first.flatMap { Int($0) } }
        var body: String { text.split(separator: "\r\n\r\n", maxSplits: 1).dropFirst().first.map(String.init) ?? "" }
    }

    struct NoAnswer: Error {}

    let socket: Descriptor

    init(_ path: String) throws {
        socket = try UnixSocket.connect(to: path)
    }

    /// Takes over an accepted connection.
    init(_ socket: Descriptor) {
        self.socket = socket
    }

    /// Connects, says something, and listens until the other side ends.
    static func exchange(_ path: String, _ text: String) async throws -> Answer {
        let conversation = try Conversation(path)
        try await conversation.say(Array(text.utf8))
        return try await conversation.hear()
    }

    func say(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = try rest.withUnsafeBytes { bytes in
                try attempt("send") { send(socket.number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
            }
            if let sent {
                rest = rest.dropFirst(sent)
                continue
            }
            // A short wait in place of a sleep: among many tests a sleeper's turn comes after the keeper's patience.
            var state = pollfd(fd: socket.number, events: Int16(POLLOUT), revents: 0)
            if poll(&state, 1, 50) == 0 { await Task.yield() }
        }
    }

    /// What comes next, at least one byte; empty at the end.
    func hearSome(within limit: Duration = .seconds(180)) async throws -> [UInt8] {
        let deadline = Instant.now() + limit
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            if let size = try attempt("recv", { recv(socket.number, &buffer, buffer.count, 0) }) {
                return Array(buffer[..<size])
            }
            guard Instant.now() < deadline else { throw NoAnswer() }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    func hear(within limit: Duration = .seconds(180)) async throws -> Answer {
        var answer = Answer()
        do {
            while true {
                let bytes = try await hearSome(within: limit)
                if bytes.isEmpty { return answer }
                answer.text += String(decoding: bytes, as: UTF8.self)
            }
        } catch let error as SystemError where error.code == ECONNRESET {
            answer.isReset = true
            return answer
        }
    }
}
