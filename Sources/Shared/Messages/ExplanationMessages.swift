// What master tells the operator of one user, over RUNTIME/control.sock.
//
// The answer to `why` is `explanation` for a user, `fault` for a folder that is no user yet, `pendingDeletion` for one
// that went while no master ran, or nothing of these; then the last events.

/// What is to be there.
package enum WantedState: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case up = 1
    case held
    case disabled
    /// Its worker goes on running, and customers are answered by the stand-in.
    case databaseUnavailable
    case databaseUnknown
    /// The database that it names is configured no more.
    case noDatabase

    package var description: String {
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
package struct VersionDetails: WireValue {
    package enum Reason: UInt8, Sendable, CaseIterable, CustomStringConvertible {
        /// It was chosen earlier, and nothing has sent the user elsewhere.
        case given = 1
        case pinned
        case inForce
        /// `trouble` says why it is none, or not the one that it should be.
        case trouble

        package var description: String {
            switch self {
            case .given: "given"
            case .pinned: "pinned"
            case .inForce: "in-force"
            case .trouble: "trouble"
            }
        }
    }

    /// Nil where there is none to run.
    package var version: String?
    package var reason = Reason.given
    package var trouble: String?
    /// What it ran before an upgrade.
    package var former: String?
    /// Of the process that is there.
    package var running: String?

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&version)
        try coder.field(&reason)
        try coder.field(&trouble)
        try coder.field(&former)
        try coder.field(&running)
    }
}

/// More than a status says about the process that serves, or is to serve.
package struct ProcessDetails: WireValue {
    /// Wall clock, in milliseconds since 1970, as the other times.
    package var startedAt: Int64 = 0
    /// In bytes, with its descendants, when it was last measured.
    package var memory: Int?
    /// In bytes; nil where there is no limit.
    package var memoryLimit: Int?
    package var lastHeartbeat: Int64?
    /// What it says of itself.
    package var ownStatus: String?

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&startedAt)
        try coder.field(&memory)
        try coder.field(&memoryLimit)
        try coder.field(&lastHeartbeat)
        try coder.field(&ownStatus)
    }
}

/// Why a user is as it is.
package struct UserExplanation: WireValue {
    /// Who answers the user's customers.
    package enum Answerer: UInt8, Sendable, CaseIterable, CustomStringConvertible {
        case worker = 1
        case standIn
        case nobody

        package var description: String {
            switch self {
            case .worker: "worker"
            case .standIn: "stand-in"
            case .nobody: "nobody"
            }
        }
    }

    package var status = UserStatus()
    package var wanted = WantedState.up
    /// Why it is not simply wanted up.
    package var wantedReason: String?
    /// Nil where no packages are configured.
    package var version: VersionDetails?
    package var process: ProcessDetails?
    package var answerer = Answerer.nobody
    /// Where customers arrive.
    package var socket: SocketID?
    package var deletion: PendingDeletion?
    /// What is wrong with its files.
    package var fault: String?
    /// How new settings have failed.
    package var swapFailure: String?
    /// More about its last death than `status.lastExit`.
    package var lastFailure: String?

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
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
