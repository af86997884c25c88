// What master and its keeper say to each other.

/// Why no worker serves a user at the moment: what the stand-in tells a visitor.
public enum StandInReason: UInt8, Sendable, CaseIterable {
    case starting = 1
    case restarting
    case crashLooping
    case held
    case disabled
    case database
    case stopping
}

/// A listening socket of a user on which the keeper answers.
public struct StandIn: WireValue {
    public var socket = SocketID()
    public var reason = StandInReason.starting

    public init() {}

    public init(_ socket: SocketID, _ reason: StandInReason) {
        self.socket = socket
        self.reason = reason
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&socket)
        try coder.field(&reason)
    }
}

public struct KeeperSettings: WireValue {
    /// Absolute path of the folder of the workers' output.
    public var logs = ""

    public init() {}

    public init(logs: String) {
        self.logs = logs
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&logs)
    }
}

public enum ToKeeper: Message {
    case settings(KeeperSettings)
    /// A copy of a listening socket, to hold; no request is answered on it yet.
    case keep(SocketID)
    /// Answer on this socket from now on.
    case answer(StandIn)
    /// Leave this socket to its worker again.
    case quiet(SocketID)
    /// Nothing points to this socket any more: answer the requests that still wait on it, and close it when it has been
    /// empty for a moment.
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

    public var carriesDescriptor: Bool {
        switch self {
        case .keep, .output, .notify: true
        case .settings, .answer, .quiet, .retire, .complete, .journal, .event: false
        }
    }

    public static func cases(_ coder: inout some CaseCoder<Self>) throws {
        try coder.value(16, Self.settings) { if case .settings(let value) = $0 { value } else { nil } }
        try coder.value(17, Self.keep) { if case .keep(let value) = $0 { value } else { nil } }
        try coder.value(18, Self.answer) { if case .answer(let value) = $0 { value } else { nil } }
        try coder.value(19, Self.quiet) { if case .quiet(let value) = $0 { value } else { nil } }
        try coder.value(20, Self.retire) { if case .retire(let value) = $0 { value } else { nil } }
        try coder.value(21, Self.output) { if case .output(let value) = $0 { value } else { nil } }
        try coder.bare(22, .complete)
        try coder.bare(23, .notify)
        try coder.value(30, Self.journal) { if case .journal(let value) = $0 { value } else { nil } }
        try coder.value(31, Self.event) { if case .event(let value) = $0 { value } else { nil } }
    }
}

/// Beside these the keeper only listens; its hello, pong and hand-over are the link's.
public enum FromKeeper: Message {
    /// Every event up to this one is in the journal's file.
    case journaled(JournalMark)

    public static func cases(_ coder: inout some CaseCoder<Self>) throws {
        try coder.value(30, Self.journaled) { if case .journaled(let value) = $0 { value } else { nil } }
    }
}
