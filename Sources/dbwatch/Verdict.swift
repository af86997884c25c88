// What a server answers, and what a watchdog makes of it.

import Shared

/// What a server lets its clients do.
enum Role: String, Sendable {
    case readWrite = "read-write"
    case readOnly = "read-only"
    case inRecovery = "in-recovery"
}

/// What a server answers.
struct Answer: Equatable, Sendable {
    var role: Role
    /// Of the whole server.
    var maxConnections: Int?
}

/// What a watchdog submits to the director.
struct Verdict: Equatable, Sendable {
    var state = DatabaseState.unknown
    var cause: Cause?
    /// As last seen.
    var role: Role?
    /// As last seen.
    var maxConnections: Int?
    /// Of the last answer: from the question to it.
    var latency: Duration?
    /// It failed, and not yet often enough to be unavailable.
    var isInDoubt = false
}
