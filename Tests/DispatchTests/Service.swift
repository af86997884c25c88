import CLinux
import Glibc
import Shared
import SharedSystem

/// A service on a Unix socket that behaves as a test wants. It runs on a thread of its own, one connection after the
/// other for what answers at once; what hangs is left open until the service goes.
final class Service {
    enum Behaviour: Sendable {
        /// Reads the request and answers with these bytes.
        case says(String)
        /// Answers and then leaves the connection open.
        case saysAndStays(String)
        /// Accepts and never answers.
        case hangs
        /// Sends a body without end.
        case endless
        /// Sends one byte of a body every few milliseconds, without end.
        case drips
    }

    static func ok(_ body: String = "ok") -> Behaviour {
        .says("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    let path: String
    private let listener: Descriptor

    init(_ path: String, _ behaviour: Behaviour) throws {
        self.path = path
        listener = try UnixSocket.listen(at: path, mode: 0o600)
        let number = dup(listener.number)
        start {
            var open: [Descriptor] = []
            while let connection = Self.accept(number) {
                if Self.serve(connection, behaviour) { open.append(connection) }
            }
            close(number)
        }
    }

    deinit {
        // The thread, which waits there, ends with it.
        shutdown(listener.number, Int32(SHUT_RDWR))
    }

    private static func accept(_ listener: Int32) -> Descriptor? {
        while true {
            var state = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            poll(&state, 1, -1)
            if state.revents & Int16(POLLHUP) != 0 { return nil }
            let number = clinux_accept(listener)
            if number >= 0 { return Descriptor(owning: number) }
            if errno != EAGAIN && errno != EINTR { return nil }
        }
    }

    /// - Returns: whether the connection is to be left open.
    private static func serve(_ connection: Descriptor, _ behaviour: Behaviour) -> Bool {
        switch behaviour {
        case .hangs: return true
        case .says(let text), .saysAndStays(let text):
            readRequest(connection)
            write(connection, text)
            if case .saysAndStays = behaviour { return true }
            return false
        case .endless:
            readRequest(connection)
            write(connection, "HTTP/1.1 200 OK\r\n\r\n")
            while write(connection, String(repeating: "x", count: 4096)) {}
            return false
        case .drips:
            readRequest(connection)
            write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while write(connection, "x") { usleep(5000) }
            return false
        }
    }

    private static func readRequest(_ connection: Descriptor) {
        var state = pollfd(fd: connection.number, events: Int16(POLLIN), revents: 0)
        poll(&state, 1, 5000)
        var buffer = [UInt8](repeating: 0, count: 4096)
        recv(connection.number, &buffer, buffer.count, 0)
    }

    /// - Returns: false when the other side has gone.
    @discardableResult
    private static func write(_ connection: Descriptor, _ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            var state = pollfd(fd: connection.number, events: Int16(POLLOUT), revents: 0)
            poll(&state, 1, 5000)
            let sent = rest.withUnsafeBytes { send(connection.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent < 0 { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }
}

/// Runs `body` on a thread of its own.
private func start(_ body: @escaping @Sendable () -> Void) {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body)).toOpaque()
    let code = pthread_create(
        &thread, nil,
        { @Sendable argument in
            if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
            return nil
        }, box)
    precondition(code == 0, "no thread")
    pthread_detach(thread)
}
