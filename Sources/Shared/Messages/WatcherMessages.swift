// What master says to dbwatch and dispatch, and they to it, grouped by direction.

// MARK: dbwatch

public enum DatabaseState: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case unknown, available, unavailable

    public var description: String {
        switch self {
        case .unknown: "unknown"
        case .available: "available"
        case .unavailable: "unavailable"
        }
    }
}

/// A row of the status table.
public struct DatabaseReport: WireValue {
    public var name = ""
    public var state = DatabaseState.unknown
    /// Why it is unavailable, in a few words that never hold a password.
    public var cause: String?
    /// Of the last answer, in milliseconds.
    public var latency: Double?
    /// read-write, read-only or in-recovery, as last seen.
    public var role: String?
    /// A timeout has been seen, and not yet enough of them: a worker that hangs may hang for the database's sake.
    public var isInDoubt = false
    /// The server's max_connections, as last seen.
    public var maxConnections: Int?

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&state)
        try coder.field(&cause)
        try coder.field(&latency)
        try coder.field(&role)
        try coder.field(&isInDoubt)
        try coder.field(&maxConnections)
    }
}

/// `settings`, every database, `complete`: a database that is not mentioned is watched no longer.
public enum ToDBWatch: Message {
    case settings(DatabaseCheckSettings)
    case database(DatabaseSettings)
    case complete

    public static func cases(_ coder: inout some CaseCoder<Self>) throws {
        try coder.value(16, Self.settings) { if case .settings(let value) = $0 { value } else { nil } }
        try coder.value(17, Self.database) { if case .database(let value) = $0 { value } else { nil } }
        try coder.bare(18, .complete)
    }
}

public enum FromDBWatch: Message {
    /// A database whose state, cause or role has changed, or whose latency is worth an update.
    case report(DatabaseReport)

    public static func cases(_ coder: inout some CaseCoder<Self>) throws {
        try coder.value(16, Self.report) { if case .report(let value) = $0 { value } else { nil } }
    }
}

// MARK: dispatch

/// A worker to check, over the socket that is its own.
public struct CheckOrder: WireValue {
    public var worker = WorkerID()
    /// Absolute path of the listening socket.
    public var socket = ""
    public var settings = CheckSettings()
    /// The worker is not ready yet: check often, report the first pass, and no failure.
    public var awaitsReady = false

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&worker)
        try coder.field(&socket)
        try coder.field(&settings)
        try coder.field(&awaitsReady)
    }
}

public enum Health: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case passing, doubtful, failing

    public var description: String {
        switch self {
        case .passing: "passing"
        case .doubtful: "doubtful"
        case .failing: "failing"
        }
    }
}

/// How one check went.
public enum CheckOutcome: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case passed, wrongStatus, timeout, refused, badAnswer

    public var description: String {
        switch self {
        case .passed: "passed"
        case .wrongStatus: "wrong status"
        case .timeout: "timeout"
        case .refused: "refused"
        case .badAnswer: "bad answer"
        }
    }
}

public struct CheckVerdict: WireValue {
    public var worker = WorkerID()
    public var health = Health.passing
    public var outcome = CheckOutcome.passed
    /// The status code of the answer, where one came.
    public var status: Int?
    /// From the connection to the end of the answer, in milliseconds, where one came.
    public var latency: Double?

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&worker)
        try coder.field(&health)
        try coder.field(&outcome)
        try coder.field(&status)
        try coder.field(&latency)
    }
}

public enum ToDispatch: Message {
    /// Check this worker from now on, the first time at once; in place of an earlier order for it.
    case check(CheckOrder)
    case forget(WorkerID)
    /// Check this worker next, and report the result whatever it is.
    case suspect(WorkerID)

    public static func cases(_ coder: inout some CaseCoder<Self>) throws {
        try coder.value(16, Self.check) { if case .check(let value) = $0 { value } else { nil } }
        try coder.value(17, Self.forget) { if case .forget(let value) = $0 { value } else { nil } }
        try coder.value(18, Self.suspect) { if case .suspect(let value) = $0 { value } else { nil } }
    }
}

public enum FromDispatch: Message {
    /// A worker's health has changed, or was asked for, or its latency is worth an update.
    case verdict(CheckVerdict)

    public static func cases(_ coder: inout some CaseCoder<Self>) throws {
        try coder.value(16, Self.verdict) { if case .verdict(let value) = $0 { value } else { nil } }
    }
}
