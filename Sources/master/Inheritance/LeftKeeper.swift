// The keeper that an earlier master has left, and what it hands over.

import Glibc
import Policy
import Shared
import SharedSystem

final class LeftKeeper {
    /// How long it may take: it answers at once, or it hangs.
    private static let patience = Duration.seconds(5)

    let pid: Int32
    let descriptor: Descriptor
    private(set) var hello = Hello()
    private(set) var things: [(thing: Handover, descriptor: Descriptor)] = []
    private let channel: Channel<FromKeeper, ToKeeper>

    /// Connects to it; nil where there is none.
    init?(runtime: String) throws {
        guard let descriptor = try? UnixSocket.connect(to: "\(runtime)/keeper.sock") else { return nil }
        self.descriptor = descriptor
        channel = Channel(descriptor)
        let peer = try Peer(of: descriptor)
        guard peer.isOwn else { throw SystemError("connect", "keeper.sock", code: EPERM) }
        pid = peer.pid
    }

    /// Takes what it holds.
    ///
    /// - Throws: what is wrong with it; it is of no use then.
    func takeOver() throws {
        let deadline = Instant.now() + Self.patience
        while true {
            let left = Int32(clamping: Int((deadline - .now()).milliseconds))
            var state = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
            guard left > 0, try check("poll", "", { poll(&state, 1, left) }) == 1 else {
                throw SystemError("poll", "keeper.sock", code: ETIMEDOUT)
            }
            for received in try channel.receive() {
                switch received.packet {
                case .hello(let hello): self.hello = hello
                case .handover(let thing): if let held = received.descriptor { things.append((thing, held)) }
                case .handedOver: return
                // It confirms events only to a master that has told it where the journal is.
                case .ping, .pong, .leave, .body: throw WireError.invalid("packet of a keeper")
                }
            }
        }
    }

    /// It ends, because another takes its place.
    func dismiss() throws {
        try channel.send(.leave)
    }
}
