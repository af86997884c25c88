// What master says to dbwatch and dispatch, and they to it, grouped by direction.

// MARK: dbwatch

package enum DatabaseState: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case unknown, available, unavailable

    package var description: String {
        switch self {
        case .unknown: "unknown"
        case .available: "available"
        case .unavailable: "unavailable"
        }
    }
}

/// A row of the status table.
package struct DatabaseReport: WireValue {
    package var name = ""
    package var state = DatabaseState.unknown
    /// Why it is unavailable, in a few words that never hold a password.
    package var cause: String?
    /// Of the last answer, in milliseconds.
    package var latency: Double?
    /// read-write, read-only or in-recovery, as last seen.
    package var role: String?
    /// A timeout has been seen, and not yet enough of them: a worker that hangs may hang for the database's sake.
    package var isInDoubt = false
    /// The server's max_connections, as last seen.
    package var maxConnections: Int?

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&state)
        try coder.field(&cause)
        try coder.field(&latency)
        try coder.field(&role)
        try coder.field(&isInDoubt)
        try coder.field(&maxConnections)
    }
}

/// `settings`, every database, `complete`: who is not mentioned is watched no longer.
package enum ToDBWatch: Message {
    case settings(DatabaseCheckSettings)
    case database(DatabaseSettings)
    case complete

    package init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .settings(try reader.value())
        case 17: self = .database(try reader.value())
        case 18: self = .complete
        default: throw WireError.unknownType(type)
        }
    }

    package func write(to writer: inout WireWriter) throws {
        switch self {
        case .settings(let value): try writer.message(16, value)
        case .database(let value): try writer.message(17, value)
        case .complete: writer.message(18)
        }
    }
}

package enum FromDBWatch: Message {
    /// A database whose state, cause or role has changed, or whose latency is worth an update.
    case report(DatabaseReport)

    package init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .report(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    package func write(to writer: inout WireWriter) throws {
        switch self {
        case .report(let value): try writer.message(16, value)
        }
    }
}

// MARK: dispatch

/// A worker to check, over the socket that is its own.
package struct CheckOrder: WireValue {
    package var worker = WorkerID()
    /// Absolute path of the listening socket.
    package var socket = ""
    package var settings = CheckSettings()
    /// The worker is not ready yet: check often, report the first pass, and no failure.
    package var awaitsReady = false

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&worker)
        try coder.field(&socket)
        try coder.field(&settings)
        try coder.field(&awaitsReady)
    }
}

package enum Health: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case passing, doubtful, failing

    package var description: String {
        switch self {
        case .passing: "passing"
        case .doubtful: "doubtful"
        case .failing: "failing"
        }
    }
}

/// How one check went.
package enum CheckOutcome: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case passed, wrongStatus, timeout, refused, badAnswer

    package var description: String {
        switch self {
        case .passed: "passed"
        case .wrongStatus: "wrong status"
        case .timeout: "timeout"
        case .refused: "refused"
        case .badAnswer: "bad answer"
        }
    }
}

package struct CheckVerdict: WireValue {
    package var worker = WorkerID()
    package var health = Health.passing
    package var outcome = CheckOutcome.passed
    /// The status code of the answer, where one came.
    package var status: Int?
    /// From the connection to the end of the answer, in milliseconds, where one came.
    package var latency: Double?

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&worker)
        try coder.field(&health)
        try coder.field(&outcome)
        try coder.field(&status)
        try coder.field(&latency)
    }
}

package enum ToDispatch: Message {
    /// Check this worker from now on, the first time at once; in place of an earlier order for it.
    case check(CheckOrder)
    case forget(WorkerID)
    /// Check this worker next, and report the result whatever it is.
    case suspect(WorkerID)

    package init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .check(try reader.value())
        case 17: self = .forget(try reader.value())
        case 18: self = .suspect(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    package func write(to writer: inout WireWriter) throws {
        switch self {
        case .check(let value): try writer.message(16, value)
        case .forget(let value): try writer.message(17, value)
        case .suspect(let value): try writer.message(18, value)
        }
    }
}

package enum FromDispatch: Message {
    /// A worker's health has changed, or was asked for, or its latency is worth an update.
    case verdict(CheckVerdict)

    package init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .verdict(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    package func write(to writer: inout WireWriter) throws {
        switch self {
        case .verdict(let value): try writer.message(16, value)
        }
    }
}
