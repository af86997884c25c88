// What answers a user's customers: a worker, or the keeper in its place.
//
// RUNTIME/users/NAME.sock is a link to one of the user's sockets. The link and a socket are there from the user's first
// moment; requests wait in the socket's backlog for as long as `patience`, then the keeper answers them.

import Shared

package struct Face: Equatable, Sendable {
    /// Where the link points.
    package var socket: SocketID
    /// Set where the keeper answers there; nil: requests reach, or wait for, a worker on that socket.
    package var standIn: StandInReason?
    /// When the keeper answers requests that no worker has taken; nil where one does, or where the keeper answers.
    var patienceEnd: Instant?

    package init(socket: SocketID, standIn: StandInReason? = nil) {
        (self.socket, self.standIn) = (socket, standIn)
    }
}

extension User {
    /// How long a request waits in a socket's backlog before the stand-in answers.
    static let patience = Duration.seconds(2)
    /// Before a socket or link that could not be made is tried again.
    private static let repairDelay = Duration.seconds(1)

    /// The user's socket and link are there: requests wait for its worker.
    mutating func ensureFace(_ out: inout Outbox) {
        if face == nil {
            let socket = nextSocket()
            out.emit(.open(socket))
            out.emit(.link(socket))
            face = Face(socket: socket)
        }
        guard face?.standIn == nil, isAwaited, face?.patienceEnd == nil else { return }
        face?.patienceEnd = out.now + Self.patience
    }

    /// The socket or the link could not be made.
    mutating func faceFailed(_ now: Instant) {
        repairAt = now + Self.repairDelay
    }

    /// Makes again what could not be made; what is there stays as it is.
    mutating func repairFace(_ out: inout Outbox) {
        repairAt = nil
        guard let face else { return }
        out.emit(.open(face.socket))
        out.emit(.link(face.socket))
        if let reason = face.standIn { out.emit(.answer(face.socket, reason)) }
    }

    mutating func patienceEnded(_ out: inout Outbox) {
        face?.patienceEnd = nil
        if let face, face.standIn == nil, isAwaited { answer(.starting, on: face.socket, &out) }
    }

    /// Whether requests wait because no process accepts them yet.
    private var isAwaited: Bool {
        switch actual {
        case .absent, .queued, .starting, .waiting: true
        case .stopping(let departure): departure.process.readyAt == nil
        case .ready, .swapping: false
        }
    }

    private mutating func answer(_ reason: StandInReason, on socket: SocketID, _ out: inout Outbox) {
        face?.standIn = reason
        out.emit(.answer(socket, reason))
    }

    /// From now on the keeper answers. A socket that a process still accepts on is left to it: the link moves to
    /// another one.
    mutating func standIn(_ reason: StandInReason, _ out: inout Outbox) {
        face?.patienceEnd = nil
        if let face, !isInUse(face.socket) {
            if face.standIn != reason { answer(reason, on: face.socket, &out) }
            return
        }
        let left = face
        let socket = nextSocket()
        out.emit(.open(socket))
        out.emit(.answer(socket, reason))
        out.emit(.link(socket))
        face = Face(socket: socket, standIn: reason)
        if let left, left.standIn != nil { out.emit(.quiet(left.socket)) }
    }

    /// From now on this process answers.
    mutating func serve(_ process: Process, _ out: inout Outbox) {
        let left = face
        face = Face(socket: process.socket)
        if left?.socket == process.socket {
            if left?.standIn != nil { out.emit(.quiet(process.socket)) }
            return
        }
        out.emit(.link(process.socket))
        if let left { retireUnused(left.socket, left.standIn ?? .restarting, &out) }
    }

    /// Requests wait for a process that is not ready yet, because none will accept on the old socket any more. Requests
    /// that wait on the old socket are answered, and may be sent again.
    mutating func follow(from old: SocketID, to socket: SocketID, _ out: inout Outbox) {
        guard let face, face.socket == old, face.standIn == nil else { return }
        self.face?.socket = socket
        out.emit(.link(socket))
    }

    /// Takes the link away.
    mutating func loseFace(_ out: inout Outbox) {
        repairAt = nil
        guard let left = face else { return }
        out.emit(.unlink(name))
        face = nil
        retireUnused(left.socket, .stopping, &out)
    }

    /// Lets go of a socket unless the link points to it or a process accepts on it.
    func retireUnused(_ socket: SocketID, _ reason: StandInReason, _ out: inout Outbox) {
        guard face?.socket != socket, !isInUse(socket) else { return }
        out.emit(.retire(socket, reason))
    }

    /// Whether a process accepts on it.
    func isInUse(_ socket: SocketID) -> Bool {
        let isDeparting = departing.contains { $0.value.process.socket == socket }
        return switch actual {
        case .absent, .queued, .waiting: isDeparting
        case .starting(let start): isDeparting || start.process.socket == socket
        case .ready(let process, _): isDeparting || process.socket == socket
        case .swapping(let old, let new): isDeparting || old.socket == socket || new.process.socket == socket
        case .stopping(let departure): isDeparting || departure.process.socket == socket
        }
    }
}
