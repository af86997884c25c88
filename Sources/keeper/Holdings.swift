// Everything that the keeper holds, in one value, and what an order changes about it. No I/O.
//
// Orders about a socket that is not held are told to the log and ignored: master sends its whole state to a new keeper.

import Shared
import SharedSystem

struct Holdings {
    /// What is done on a socket.
    enum Duty: Equatable {
        /// Nothing: its worker answers there. Goes to answering or retiring.
        case none
        /// Goes to none or retiring.
        case answering(StandInReason)
        /// Answering until no request waits there any more; then it is let go.
        case retiring(StandInReason)

        var reason: StandInReason? {
            switch self {
            case .none: nil
            case .answering(let reason), .retiring(let reason): reason
            }
        }
    }

    struct Socket {
        let listener: Descriptor
        var duty = Duty.none
    }

    enum Effect {
        /// Accept on this socket from now on.
        case open(SocketID, Descriptor)
        /// Accept no longer on it; it may be closed after this.
        case close(SocketID, Descriptor)
        /// Let go of this socket when it has been empty for a moment.
        case forgetWhenEmpty(SocketID)
        case read(WorkerID, Descriptor)
        case stopReading(WorkerID, Descriptor)
        case beginJournal(JournalSettings)
        case record(EventRecord)
        case complain(String)
    }

    private(set) var settings = KeeperSettings()
    private(set) var sockets: [SocketID: Socket] = [:]
    private(set) var outputs: [WorkerID: Descriptor] = [:]
    /// RUNTIME/notify.
    private(set) var notify: Descriptor?
    /// What was sent and did not arrive, because no descriptor was free.
    private(set) var missing = 0

    var isEmpty: Bool { sockets.isEmpty && outputs.isEmpty }

    /// Everything, as the next master gets it.
    var handovers: [(Handover, Descriptor)] {
        sockets.map { id, socket in
            switch socket.duty {
            case .none: (Handover(socket: id), socket.listener)
            case .answering(let reason): (Handover(standIn: StandIn(id, reason)), socket.listener)
            case .retiring(let reason): (Handover(retiring: StandIn(id, reason)), socket.listener)
            }
        } + outputs.map { (Handover(output: $0), $1) } + (notify.map { [(.notify, $0)] } ?? [])
    }

    mutating func follow(_ order: ToKeeper, _ descriptor: Descriptor?) -> [Effect] {
        switch order {
        case .settings(let settings):
            self.settings = settings
            return []
        case .keep(let id):
            guard let descriptor else { return miss("socket \(id)") }
            defer { sockets[id] = Socket(listener: descriptor) }
            return closing(id)
        case .answer(let standIn): return change(standIn.socket, to: .answering(standIn.reason))
        case .quiet(let id): return change(id, to: .none)
        case .retire(let standIn): return change(standIn.socket, to: .retiring(standIn.reason))
        case .output(let worker):
            guard let descriptor else { return miss("the output of \(worker)") }
            let earlier = outputs.updateValue(descriptor, forKey: worker)
            return (earlier.map { [.stopReading(worker, $0)] } ?? []) + [.read(worker, descriptor)]
        case .complete: return []
        case .notify:
            guard let descriptor else { return miss("the notify socket") }
            notify = descriptor
            return []
        case .journal(let settings): return [.beginJournal(settings)]
        case .event(let event): return [.record(event)]
        }
    }

    /// Forgets a socket.
    mutating func forget(_ id: SocketID) -> [Effect] {
        defer { sockets[id] = nil }
        return closing(id)
    }

    /// Forgets an output that has ended.
    mutating func ended(output worker: WorkerID) -> [Effect] {
        outputs.removeValue(forKey: worker).map { [.stopReading(worker, $0)] } ?? []
    }

    private mutating func miss(_ what: String) -> [Effect] {
        missing += 1
        return missing == 1 ? [.complain("no room for \(what): goes on with what is there")] : []
    }

    private mutating func change(_ id: SocketID, to duty: Duty) -> [Effect] {
        guard let socket = sockets[id] else { return [.complain("socket \(id) is not held: order ignored")] }
        sockets[id]?.duty = duty
        switch duty {
        case .none: return socket.duty == .none ? [] : [.close(id, socket.listener)]
        case .answering: return socket.duty == .none ? [.open(id, socket.listener)] : []
        case .retiring:
            return (socket.duty == .none ? [.open(id, socket.listener)] : []) + [.forgetWhenEmpty(id)]
        }
    }

    private func closing(_ id: SocketID) -> [Effect] {
        guard let socket = sockets[id], socket.duty != .none else { return [] }
        return [.close(id, socket.listener)]
    }
}
