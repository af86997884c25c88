// The command's end of RUNTIME/control.sock.

import Glibc
import Shared
import SharedSystem

final class ControlConnection {
    private let channel: Channel<ControlAnswer, ControlRequest>
    private let place: String

    /// - Throws: `Failure` with code 3 where no master listens there.
    init(runtime: String) throws {
        place = "\(runtime)/control.sock"
        do {
            channel = Channel(try UnixSocket.connect(to: place))
        } catch let error as SystemError {
            let why = error.code == EACCES ? "not allowed to connect to" : "no master listens on"
            throw Failure("\(why) \(place): \(SystemError.text(error.code))", code: 3)
        }
    }

    /// Sends a request and hands over each answer until it is complete.
    ///
    /// - Throws: `Failure` with code 1 where master refuses or the request is too long, 3 where master ends.
    func ask(_ request: ControlRequest, _ body: (ControlAnswer) throws -> Void = { _ in }) throws {
        do {
            try channel.send(request)
        } catch let error as WireError {
            throw Failure("that is too much for one request: \(error)", code: 1)
        } catch {
            throw Failure("master: \(error)", code: 3)
        }
        do {
            while true {
                try wait()
                for received in try channel.receive() {
                    guard case .body(let answer) = received.packet else { continue }
                    if case .done = answer { return }
                    if case .refused(let why) = answer { throw Failure(why.text, code: 1) }
                    try body(answer)
                }
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure("master: \(error)", code: 3)
        }
    }

    /// Waits for the end of the connection.
    func awaitEnd() {
        while (try? wait()) != nil, (try? channel.receive()) != nil {}
    }

    private func wait() throws {
        try channel.flush()
        let writable = channel.isFlushed ? 0 : POLLOUT
        var state = pollfd(fd: channel.descriptor.number, events: Int16(POLLIN | writable), revents: 0)
        try check("poll") { poll(&state, 1, -1) }
    }
}
