// RUNTIME/control.sock: the operator's requests.
//
// The socket has mode 0660, and the kernel admits members of its group (`control.group`, otherwise the group of
// master's account). They may ask. Only uid 0, master's account and members of `control.operators` may change
// anything. Master knows the peer from the kernel (SO_PEERCRED; SO_PEERGROUPS for its supplementary groups).

import CLinux
import Glibc
import Policy
import Shared
import SharedSystem

/// A connected steward command.
final class ControlClient {
    let channel: Channel<ControlRequest, ControlAnswer>
    /// Whether it may do what master may: it is root, or has the account of master.
    let isMaster: Bool
    /// Whether it may change things: an operator may, too.
    let mayChange: Bool
    /// What it follows, once it has asked to.
    var follows: EventsRequest?

    /// - Parameter operators: the group whose members may change things.
    init(_ descriptor: Descriptor, operators: gid_t?) throws {
        let peer = try Peer(of: descriptor)
        isMaster = peer.isOwn
        mayChange = try peer.isOwn || operators.map(peer.isIn) ?? false
        channel = Channel(descriptor)
    }
}

/// Listens, and holds the connections. One that is misused is closed; the others go on.
final class ControlServer {
    static let mostClients = 64

    let listener: Descriptor
    private(set) var clients: [Int32: ControlClient] = [:]
    private var order: [Int32] = []
    /// Where no descriptor is free, the operator is to be answered above all.
    private var reserve = Reserve(4)
    private let operators: gid_t?

    /// - Parameters:
    ///   - group: of the socket: its members may connect; nil: the group of master, or that of the operators.
    ///   - operators: the group whose members may change things.
    init(runtime: String, group: gid_t?, operators: gid_t?) throws {
        let path = "\(runtime)/control.sock"
        self.operators = operators
        listener = try UnixSocket.listen(at: path, backlog: 64, mode: 0o660)
        if let group = group ?? operators { try check("chown", path) { chown(path, uid_t.max, group) } }
    }

    /// The next connection, and the oldest one where there are too many: that has to be closed.
    ///
    /// - Throws: where there is no room even for one: the listener is to be left alone until a connection has ended.
    func accept() throws -> (client: ControlClient, surplus: Int32?)? {
        let accepted = try reserve.accept { try attempt("accept4") { clinux_accept(listener.number) } }
        guard let number = accepted else { return nil }
        let surplus = clients.count >= Self.mostClients ? order.first : nil
        let client = try ControlClient(Descriptor(owning: number), operators: operators)
        clients[number] = client
        order.append(number)
        return (client, surplus)
    }

    func close(_ number: Int32) {
        order.removeAll { $0 == number }
        if let client = clients.removeValue(forKey: number) { reserve.keep(client.channel.descriptor) }
    }

    var followers: [ControlClient] { clients.values.filter { $0.follows != nil } }
}
