// RUNTIME/notify: what workers say of themselves, by the protocol of sd_notify(3).

import CLinux
import Glibc
import Policy
import Shared
import SharedSystem

final class NotifySocket {
    let descriptor: Descriptor

    /// Any account may send: the sender is known by its credentials, which the kernel vouches for.
    ///
    /// - Parameter inherited: of an earlier master: a worker that has connected to it cannot reach another one.
    init(runtime: String, inherited: Descriptor?) throws {
        if let inherited {
            descriptor = inherited
            return
        }
        let path = "\(runtime)/notify"
        unlink(path)
        descriptor = try UnixSocket.datagram(at: path, mode: 0o666)
        try check("setsockopt") { clinux_want_credentials(descriptor.number) }
    }

    /// The next datagram: the leader of the session that its sender belongs to, and what it says. Nil when none waits.
    func next() throws -> (leader: Int32, notifications: [Notification])? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var pid: Int32 = 0
        let size = try attempt("recvmsg") {
            clinux_receive_datagram(descriptor.number, &buffer, buffer.count, &pid)
        }
        guard let size else { return nil }
        let session = getsid(pid)
        return (session > 0 ? session : pid, Self.parse(buffer[..<size]))
    }

    /// Newline-separated assignments; unknown ones are none of master's business.
    static func parse(_ bytes: ArraySlice<UInt8>) -> [Notification] {
        bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let text = String(decoding: line, as: UTF8.self)
            switch text {
            case "READY=1": return .ready
            case "WATCHDOG=1": return .heartbeat
            default: return text.hasPrefix("STATUS=") ? .status(String(text.dropFirst(7).prefix(200))) : nil
            }
        }
    }
}
