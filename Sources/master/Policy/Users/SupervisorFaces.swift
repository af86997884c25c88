// Who answers a user's customers: a worker, or the keeper in its place.

import Shared

extension Supervisor {
    /// The user's socket and link are there from its first moment: requests wait for its worker.
    mutating func ensureFace(_ user: inout User) {
        if user.face == nil {
            let socket = user.nextSocket()
            emit(.open(socket))
            emit(.link(socket))
            user.face = Face(socket: socket)
        }
        guard user.face?.standIn == nil, !timers.isSet(.patience(user.name)) else { return }
        timers.set(.patience(user.name), at: now + Self.patience)
    }

    /// Makes again what could not be made; what is there stays as it is.
    mutating func repairFace(_ user: User) {
        guard let face = user.face else { return }
        emit(.open(face.socket))
        emit(.link(face.socket))
        if let reason = face.standIn { emit(.answer(face.socket, reason)) }
    }

    mutating func patienceEnded(_ user: inout User) {
        guard let face = user.face, face.standIn == nil else { return }
        switch user.actual {
        case .absent, .queued, .starting, .waiting:
            user.face?.standIn = .starting
            emit(.answer(face.socket, .starting))
        case .stopping(let departure) where departure.process.readyAt == nil:
            user.face?.standIn = .starting
            emit(.answer(face.socket, .starting))
        case .ready, .swapping, .stopping:
            break
        }
    }

    /// From now on the keeper answers. A socket that a process still accepts on is left to it: the link moves to
    /// another one.
    mutating func standIn(_ user: inout User, _ reason: StandInReason) {
        timers.cancel(.patience(user.name))
        if let face = user.face, !user.processes.contains(where: { $0.socket == face.socket }) {
            if face.standIn == reason { return }
            user.face?.standIn = reason
            emit(.answer(face.socket, reason))
            return
        }
        let left = user.face
        let socket = user.nextSocket()
        emit(.open(socket))
        emit(.answer(socket, reason))
        emit(.link(socket))
        user.face = Face(socket: socket, standIn: reason)
        if let left, left.standIn != nil { emit(.quiet(left.socket)) }
    }

    /// From now on this process answers.
    mutating func serve(_ user: inout User, _ process: Process) {
        timers.cancel(.patience(user.name))
        let left = user.face
        user.face = Face(socket: process.socket)
        if left?.socket == process.socket {
            if left?.standIn != nil { emit(.quiet(process.socket)) }
            return
        }
        emit(.link(process.socket))
        if let left { retireUnused(user, left.socket, left.standIn ?? .restarting) }
    }

    /// Requests wait for a process that is not ready yet, as nobody will accept on the old socket any more; who waits
    /// there is answered, and may ask again.
    mutating func follow(_ user: inout User, from old: SocketID, to socket: SocketID) {
        guard user.face == Face(socket: old) else { return }
        user.face = Face(socket: socket)
        emit(.link(socket))
    }

    /// Lets go of a socket unless the link points to it or a process accepts on it.
    mutating func retireUnused(_ user: User, _ socket: SocketID, _ reason: StandInReason) {
        guard user.face?.socket != socket, !user.processes.contains(where: { $0.socket == socket }) else { return }
        emit(.retire(socket, reason))
    }
}
