// The users' doors: their listening sockets, the links that customers follow, and what could not be made of both.
//
// The keeper has a copy of each socket. Master keeps its own copy of one that is retired until the keeper has surely
// read the order: with the last copy the requests that wait there would be lost.

import Glibc
import Logging
import Policy
import Shared
import SharedSystem

final class Doors {
    /// A socket that the keeper was told to empty and close.
    private struct Retired {
        let socket: StandIn
        let descriptor: Descriptor
        /// The keeper's answers to pings since.
        var pongs = 0
    }

    private let log = Logger.steward("master")
    private let poller: Poller<Source>
    private let watchers: WatcherPool
    private let sockets: UserSockets
    private var retired: [Retired] = []
    /// Users whose socket or link could not be made.
    private var faceless: Set<UserName> = []

    init(_ poller: Poller<Source>, _ watchers: WatcherPool, _ sockets: UserSockets) {
        (self.poller, self.watchers, self.sockets) = (poller, watchers, sockets)
    }

    /// Takes over what an earlier master has left.
    func adopt(_ inherited: Inheritance) {
        sockets.adopt(inherited.sockets)
        retired = inherited.retiring.map { Retired(socket: $0.socket, descriptor: $0.descriptor) }
    }

    // MARK: sockets

    func open(_ socket: SocketID) -> [Event] {
        do { return try make(socket) } catch { return failed(socket.user, error) }
    }

    private func make(_ socket: SocketID) throws -> [Event] {
        try sockets.open(socket)
        return watchers.tellKeeper(.keep(socket), with: sockets.held[socket])
    }

    /// The socket that a worker is to get. One that could not be made before is made now: if it cannot be made, the error
    /// says why.
    func listener(_ socket: SocketID) throws -> (descriptor: Descriptor, events: [Event]) {
        let events = sockets.held[socket] == nil ? try make(socket) : []
        guard let descriptor = sockets.held[socket] else { throw SystemError("socket", "\(socket)", code: EBADF) }
        return (descriptor, events)
    }

    func retire(_ socket: StandIn) -> [Event] {
        guard let descriptor = sockets.release(socket.socket) else { return [] }
        poller.remove(descriptor.number)
        retired.append(Retired(socket: socket, descriptor: descriptor))
        return watchers.tellKeeper(.retire(socket))
    }

    /// The keeper has answered a ping. The first one may have been sent before a socket was retired, the second not.
    func keeperAnswered() {
        for index in retired.indices { retired[index].pongs += 1 }
        retired.removeAll { $0.pongs > 1 }
    }

    func isEmpty(_ socket: SocketID) -> Bool { sockets.isEmpty(socket) }

    func restoreBacklog(_ socket: SocketID) {
        sockets.restoreBacklog(socket)
    }

    // MARK: waiting customers

    func watch(_ socket: SocketID) throws {
        if let watched = sockets.held[socket] { try poller.add(watched.number, .readable, as: .awaited(socket)) }
    }

    func unwatch(_ socket: SocketID) {
        if let watched = sockets.held[socket] { poller.remove(watched.number) }
    }

    /// A customer waits on a socket that is watched: it is told once.
    func awaited(_ socket: SocketID, _ fd: Int32) -> [Event] {
        poller.remove(fd)
        return [.awaited(socket)]
    }

    // MARK: links

    func link(_ socket: SocketID) -> [Event] {
        do {
            try sockets.link(socket)
            faceless.remove(socket.user)
            return []
        } catch {
            return failed(socket.user, error)
        }
    }

    func unlink(_ name: UserName) {
        sockets.unlink(name)
        faceless.remove(name)
    }

    /// The log tells of it once for each user.
    private func failed(_ name: UserName, _ error: any Error) -> [Event] {
        if faceless.insert(name).inserted { log.error("\(name): \(error)") }
        return [.faceFailed(name)]
    }

    // MARK: a new keeper

    func introduceSockets(to keeper: KeeperLink, except known: Set<SocketID>) throws {
        for (socket, descriptor) in sockets.held where !known.contains(socket) {
            try keeper.send(.keep(socket), with: descriptor)
        }
    }

    /// After everything else about sockets: nothing points to these any more.
    func introduceRetired(to keeper: KeeperLink) throws {
        for socket in retired {
            try keeper.send(.keep(socket.socket.socket), with: socket.descriptor)
            try keeper.send(.retire(socket.socket))
        }
    }
}
