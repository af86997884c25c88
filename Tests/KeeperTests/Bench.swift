import CLinux
import Glibc
import Shared
import SharedSystem
import TestSupport

/// A keeper that runs, and a folder for its sockets.
final class Bench {
    let folder: TemporaryFolder
    let keeper: WatcherProcess<ToKeeper, FromKeeper>
    private var generation: UInt64 = 0

    init() throws {
        folder = try TemporaryFolder()
        keeper = try WatcherProcess("keeper")
        try keeper.send(.settings(KeeperSettings(logs: "\(folder.path)/logs")))
        try keeper.send(.complete)
    }

    func worker(_ user: String = "alice") -> WorkerID {
        generation += 1
        return WorkerID(user: UserName(user) ?? UserName(), generation: generation)
    }

    func socket(_ user: String = "alice") -> SocketID { SocketID(of: worker(user)) }

    func path(_ socket: SocketID) -> String { "\(folder.path)/\(socket)" }

    /// A new listening socket of which the keeper holds a copy.
    func keep(_ socket: SocketID) throws -> Descriptor {
        let listener = try UnixSocket.listen(at: path(socket), mode: 0o600)
        try keeper.send(.keep(socket), with: listener)
        return listener
    }

    /// A socket on which the keeper answers.
    func answer(_ reason: StandInReason = .starting) throws -> (socket: SocketID, listener: Descriptor) {
        let socket = socket()
        let listener = try keep(socket)
        try keeper.send(.answer(StandIn(socket, reason)))
        return (socket, listener)
    }

    /// Answers when all orders have been followed: a pong may come before the orders that came with its ping.
    func settle() async throws {
        for _ in 0..<2 {
            try keeper.ping()
            try await keeper.receive { $0 == .pong ? () : nil }
        }
    }

    /// A pipe whose read end the keeper has.
    func output(_ worker: WorkerID) throws -> Descriptor {
        var ends: [Int32] = [-1, -1]
        try check("pipe") { clinux_pipe(&ends) }
        let (readEnd, writeEnd) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
        _ = fcntl(writeEnd.number, F_SETFL, O_WRONLY | O_NONBLOCK)
        try keeper.send(.output(worker), with: readEnd)
        return writeEnd
    }

    /// Writes all of it, as fast as the keeper reads.
    func write(_ bytes: [UInt8], to pipe: Descriptor) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = try rest.withUnsafeBytes { bytes in
                try attempt("write") { Glibc.write(pipe.number, bytes.baseAddress, bytes.count) }
            }
            if let written { rest = rest.dropFirst(written) } else { try await Task.sleep(for: .milliseconds(2)) }
        }
    }

    /// Waits until a condition holds; false at the deadline.
    func eventually(_ condition: () throws -> Bool) async throws -> Bool {
        let deadline = Instant.now() + .seconds(180)
        while try !condition() {
            guard Instant.now() < deadline else { return false }
            try await Task.sleep(for: .milliseconds(5))
        }
        return true
    }
}
