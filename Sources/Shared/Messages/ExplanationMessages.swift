// What master tells the operator of one user, over RUNTIME/control.sock.
//
// The answer to `why` is `explanation` for a user, `fault` for a folder that is no user yet, `pendingDeletion` for a
// user whose folder disappeared while no master ran, or nothing of these; then the last events.

/// What is to be there.
public enum WantedState: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case up = 1
    case held
    case disabled
    /// Its worker goes on running, and customers are answered by the stand-in.
    case databaseUnavailable
    case databaseUnknown
    /// The database that it names is configured no more.
    case noDatabase

    public var description: String {
        switch self {
        case .up: "up"
        case .held: "held"
        case .disabled: "disabled"
        case .databaseUnavailable: "database-unavailable"
        case .databaseUnknown: "database-unknown"
        case .noDatabase: "no-database"
        }
    }
}

/// Which version of the application a user is to run.
public struct VersionDetails: WireValue {
    public enum Reason: UInt8, Sendable, CaseIterable, CustomStringConvertible {
        /// It was chosen earlier, and nothing has sent the user elsewhere.
        case given = 1
        case pinned
        case inForce
        /// `trouble` says why it is none, or not the version that it should be.
        case trouble

        public var description: String {
            switch self {
            case .given: "given"
            case .pinned: "pinned"
            case .inForce: "in-force"
            case .trouble: "trouble"
            }
        }
    }

    /// Nil where there is none to run.
    public var version: String?
    public var reason = Reason.given
    public var trouble: String?
    /// What it ran before an upgrade.
    public var former: String?
    /// Of the process that is there.
    public var running: String?

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&version)
        try coder.field(&reason)
        try coder.field(&trouble)
        try coder.field(&former)
        try coder.field(&running)
    }
}

/// More than a status says about the process that serves, or is to serve.
public struct ProcessDetails: WireValue {
    /// Wall clock, in milliseconds since 1970, like the other times.
    public var startedAt: Int64 = 0
    /// In bytes, with its descendants, when it was last measured.
    public var memory: Int?
    /// In bytes; nil where there is no limit.
    public var memoryLimit: Int?
    public var lastHeartbeat: Int64?
    /// What it says of itself.
    public var ownStatus: String?

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&startedAt)
        try coder.field(&memory)
        try coder.field(&memoryLimit)
        try coder.field(&lastHeartbeat)
        try coder.field(&ownStatus)
    }
}

/// Why a user is as it is.
public struct UserExplanation: WireValue {
    /// What answers the user's customers.
    public enum Answerer: UInt8, Sendable, CaseIterable, CustomStringConvertible {
        case worker = 1
        case standIn
        case nobody

        public var description: String {
            switch self {
            case .worker: "worker"
            case .standIn: "stand-in"
            case .nobody: "nobody"
            }
        }
    }

    public var status = UserStatus()
    public var wanted = WantedState.up
    /// Why it is not simply wanted up.
    public var wantedReason: String?
    /// Nil where no packages are configured.
    public var version: VersionDetails?
    public var process: ProcessDetails?
    public var answerer = Answerer.nobody
    /// Where customers arrive.
    public var socket: SocketID?
    public var deletion: PendingDeletion?
    /// What is wrong with its files.
    public var fault: String?
    /// How new settings have failed.
    public var swapFailure: String?
    /// More about its last death than `status.lastExit`.
    public var lastFailure: String?

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&status)
        try coder.field(&wanted)
        try coder.field(&wantedReason)
        try coder.field(&version)
        try coder.field(&process)
        try coder.field(&answerer)
        try coder.field(&socket)
        try coder.field(&deletion)
        try coder.field(&fault)
        try coder.field(&swapFailure)
        try coder.field(&lastFailure)
    }
}
