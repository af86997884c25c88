// What looks like a server from outside.

import Glibc
import Shared
import SharedSystem
import TestSupport

/// Takes TCP connections and says nothing.
struct Listener {
    let socket: Descriptor
    let port: Int

    init() throws {
        socket = try TCPSocket.make()
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = socket.number
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, size) + listen(number, 100) + getsockname(number, $0, &size)
            }
        }
        guard bound == 0 else { throw SystemError("bind") }
        port = Int(in_port_t(bigEndian: address.sin_port))
    }
}
