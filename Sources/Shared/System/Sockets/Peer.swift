// What the kernel tells of the process at the other end of a Unix socket (unix(7), SO_PEERCRED).

import CLinux
import Glibc
import Shared

public struct Peer {
    public let pid: Int32
    private let account: uid_t
    private let socket: Descriptor

    public init(of socket: Descriptor) throws {
        self.socket = socket
        var (pid, uid, gid): (Int32, uid_t, gid_t) = (0, 0, 0)
        try check("getsockopt") { clinux_peer(socket.number, &pid, &uid, &gid) }
        (self.pid, account) = (pid, uid)
    }

    /// Whether it may do whatever this process may: it is root's, or has the same account.
    public var isOwn: Bool { account == 0 || account == geteuid() }

    public func isIn(_ group: gid_t) throws -> Bool {
        try check("getsockopt") { clinux_peer_has_group(socket.number, group) } == 1
    }
}
