// The users' listening sockets and the links that customers follow.

import Glibc
import Policy
import Shared
import SharedSystem

/// Master's copies of the listening sockets, each in RUNTIME/sockets/NAME.GENERATION, and RUNTIME/users/NAME.sock, the
/// symbolic link that points to one of them. connect(2) follows it.
final class UserSockets {
    private(set) var held: [SocketID: Descriptor] = [:]
    private let runtime: String
    private let mode: mode_t
    private let group: gid_t?

    init(runtime: String, mode: UInt32, group: gid_t?) {
        self.runtime = runtime
        self.mode = mode
        self.group = group
    }

    /// Takes over what an earlier master has made.
    func adopt(_ sockets: [SocketID: Descriptor]) {
        held = sockets
    }

    /// Where the link of a user points.
    static func target(of user: UserName, runtime: String) -> SocketID? {
        guard let target = try? FilePath.target(ofLink: "\(runtime)/users/\(user).sock"),
            let slash = target.lastIndex(of: "/"), let dot = target.lastIndex(of: "."), slash < dot,
            let generation = UInt64(target[target.index(after: dot)...]),
            target[target.index(after: slash)..<dot] == user.text
        else { return nil }
        return SocketID(user: user, generation: generation)
    }

    /// Makes a socket, unless it is there.
    func open(_ socket: SocketID) throws {
        guard held[socket] == nil else { return }
        let path = socketPath(socket, runtime: runtime)
        let descriptor = try UnixSocket.listen(at: path, mode: mode)
        if let group { try check("chown", path) { chown(path, uid_t.max, group) } }
        held[socket] = descriptor
    }

    /// Points the link to this socket. rename(2) replaces it in one step: a customer finds the old one or the new one.
    ///
    /// - Throws: also where this socket does not exist: what customers reach stays as it is.
    func link(_ socket: SocketID) throws {
        guard held[socket] != nil else { throw SystemError("link", "\(socket)", code: ENOENT) }
        let path = linkPath(socket.user)
        let draft = "\(path).new"
        Glibc.unlink(draft)
        try check("symlink", draft) { symlink("../sockets/\(socket)", draft) }
        try check("rename", path) { rename(draft, path) }
    }

    func unlink(_ user: UserName) {
        Glibc.unlink(linkPath(user))
    }

    /// Takes the socket's name away and gives up master's copy, which is answered.
    func release(_ socket: SocketID) -> Descriptor? {
        Glibc.unlink(socketPath(socket, runtime: runtime))
        return held.removeValue(forKey: socket)
    }

    /// Whether no connection waits to be accepted.
    func isEmpty(_ socket: SocketID) -> Bool {
        guard let descriptor = held[socket] else { return true }
        var state = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
        return poll(&state, 1, 0) == 0
    }

    /// A worker that calls listen() itself (asyncio does, with 100) lowers the backlog of the socket for all processes.
    func restoreBacklog(_ socket: SocketID) {
        if let descriptor = held[socket] { _ = listen(descriptor.number, 4096) }
    }

    private func linkPath(_ user: UserName) -> String { "\(runtime)/users/\(user).sock" }
}
