// RUNTIME/keeper.sock: where the next master finds the keeper that an earlier one has left.

import CLinux
import Glibc
import Shared
import SharedSystem

final class Succession {
    let listener: Descriptor

    /// Takes over the path: the keeper that listened there before has ended, or was told to.
    init(runtime: String) throws {
        let path = "\(runtime)/keeper.sock"
        unlink(path)
        listener = try UnixSocket.listen(at: path, backlog: 8, mode: 0o600)
    }

    /// The next master that has connected; nil where none has, or where the process may not be a master.
    func next() throws -> Descriptor? {
        guard let number = try attempt("accept4", { clinux_accept(listener.number) }) else { return nil }
        let descriptor = Descriptor(owning: number)
        return try Peer(of: descriptor).isOwn ? descriptor : nil
    }

    /// Throws away what has arrived while no master reads it: a sender must not stall (unix(7), max_dgram_qlen).
    static func discard(_ notify: Descriptor) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var pid: Int32 = 0
        for _ in 0..<256 where clinux_receive_datagram(notify.number, &buffer, buffer.count, &pid) < 0 { return }
    }
}
