// What master and its keeper say to each other.

/// Why nobody serves a user at the moment: what the stand-in tells a visitor.
package enum StandInReason: UInt8, Sendable, CaseIterable {
    case starting = 1
    case restarting
    case crashLooping
    case held
    case disabled
    case database
    case stopping
}

/// A listening socket of a user on which the keeper answers.
package struct StandIn: WireValue {
    package var socket = SocketID()
    package var reason = StandInReason.starting

    package init() {}

    package init(_ socket: SocketID, _ reason: StandInReason) {
        self.socket = socket
        self.reason = reason
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&socket)
        try coder.field(&reason)
    }
}

package struct KeeperSettings: WireValue {
    /// Absolute path of the folder of the workers' output.
    package var logs = ""

    package init() {}

    package init(logs: String) {
        self.logs = logs
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&logs)
    }
}

package enum ToKeeper: Message {
    case settings(KeeperSettings)
    /// A copy of a listening socket, to hold; nobody is answered on it yet.
    case keep(SocketID)
    /// Answer on this socket from now on.
    case answer(StandIn)
    /// Leave this socket to its worker again.
    case quiet(SocketID)
    /// Nothing points to this socket any more: answer whoever still waits on it, and close it when it has been empty
    /// for a moment.
    case retire(StandIn)
    /// The read end of a worker's output.
    case output(WorkerID)
    /// The snapshot is complete.
    case complete
    /// A copy of RUNTIME/notify: to be read, and what comes thrown away, while there is no master. A sender that has
    /// connected once would never get through to a new socket.
    case notify
    /// The file of the event journal.
    case journal(JournalSettings)
    /// An event for the journal's file; `journaled` answers when it is there.
    case event(EventRecord)

    package var carriesDescriptor: Bool {
        switch self {
        case .keep, .output, .notify: true
        case .settings, .answer, .quiet, .retire, .complete, .journal, .event: false
        }
    }

    package init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .settings(try reader.value())
        case 17: self = .keep(try reader.value())
        case 18: self = .answer(try reader.value())
        case 19: self = .quiet(try reader.value())
        case 20: self = .retire(try reader.value())
        case 21: self = .output(try reader.value())
        case 22: self = .complete
        case 23: self = .notify
        case 30: self = .journal(try reader.value())
        case 31: self = .event(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    package func write(to writer: inout WireWriter) throws {
        switch self {
        case .settings(let value): try writer.message(16, value)
        case .keep(let value): try writer.message(17, value)
        case .answer(let value): try writer.message(18, value)
        case .quiet(let value): try writer.message(19, value)
        case .retire(let value): try writer.message(20, value)
        case .output(let value): try writer.message(21, value)
        case .complete: writer.message(22)
        case .notify: writer.message(23)
        case .journal(let value): try writer.message(30, value)
        case .event(let value): try writer.message(31, value)
        }
    }
}

/// Beside these the keeper only listens; its hello, pong and hand-over are the link's.
package enum FromKeeper: Message {
    /// Every event up to this one is in the journal's file.
    case journaled(JournalMark)

    package init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 30: self = .journaled(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    package func write(to writer: inout WireWriter) throws {
        switch self {
        case .journaled(let value): try writer.message(30, value)
        }
    }
}
