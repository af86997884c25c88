// A service manager that only listens.

import Glibc
import Shared
import SharedSystem

/// Owns a NOTIFY_SOCKET and hears what is sent there (sd_notify(3)).
package final class FakeManager {
    /// The value of NOTIFY_SOCKET.
    package let address: String
    private let socket: Descriptor

    package init() throws {
        address = "/tmp/st-manager.\(UInt32.random(in: 0 ... .max))"
        socket = try UnixSocket.datagram(at: address, mode: 0o666)
    }

    deinit {
        unlink(address)
    }

    /// The lines that have come since it was asked last, in their order.
    package func heard() throws -> [String] {
        var lines: [String] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while let size = try attempt("recv", { recv(socket.number, &buffer, buffer.count, 0) }) {
            lines += String(decoding: buffer[..<size], as: UTF8.self).split(separator: "\n").map(String.init)
        }
        return lines
    }
}
