// What master tells the operator of itself and of what it supervises.

public struct MasterStatus: WireValue {
    public var pid: Int32 = 0
    public var version = ""
    /// Wall clock, in milliseconds since 1970, as in the other parts of a status.
    public var since: Int64 = 0
    /// Workers taken over from an earlier master.
    public var adopted = 0
    /// What the operator has to do about the configuration file: it is wrong, or waits for a word. Nil for nothing.
    public var configuration: String?

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&pid)
        try coder.field(&version)
        try coder.field(&since)
        try coder.field(&adopted)
        try coder.field(&configuration)
    }
}

public struct WatcherStatus: WireValue {
    public var name = ""
    public var pid: Int32?
    /// up, starting or waiting.
    public var state = ""
    public var restarts = 0

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&pid)
        try coder.field(&state)
        try coder.field(&restarts)
    }
}

public struct DatabaseStatus: WireValue {
    /// As it counts: a database that flaps is unavailable although it answers at the moment.
    public var report = DatabaseReport()
    public var group: String?
    public var since: Int64 = 0
    /// The present dbwatch has not reported it yet, or none runs: this is what was last known.
    public var isOld = false
    /// Taken out of use by the operator.
    public var isDrained = false
    /// How many users work on it.
    public var users = 0
    /// How many are yet to leave it, or have moved to it and are not ready yet.
    public var moving = 0
    /// What it was before its last change, and when that was; nil where nothing has changed since master's start.
    public var before: String?
    public var changedAt: Int64 = 0

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&report)
        try coder.field(&group)
        try coder.field(&since)
        try coder.field(&isOld)
        try coder.field(&isDrained)
        try coder.field(&users)
        try coder.field(&moving)
        try coder.field(&before)
        try coder.field(&changedAt)
    }
}

public struct UserStatus: WireValue {
    public var name = UserName()
    public var plan = Plan.free
    /// queued, starting, ready, swapping, stopping, waiting, crash-looping, held or disabled.
    public var state = ""
    public var pid: Int32?
    /// Of the process that serves or is to serve: each start has another.
    public var generation: UInt64 = 0
    public var since: Int64 = 0
    public var database: String?
    /// The version that it runs, or is to run.
    public var package: String?
    /// Deaths, not swaps.
    public var restarts = 0
    public var lastExit: String?
    public var reason: String?
    public var health: String?
    public var latency: Double?

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&plan)
        try coder.field(&state)
        try coder.field(&pid)
        try coder.field(&generation)
        try coder.field(&since)
        try coder.field(&database)
        try coder.field(&package)
        try coder.field(&restarts)
        try coder.field(&lastExit)
        try coder.field(&reason)
        try coder.field(&health)
        try coder.field(&latency)
    }
}

/// A decision or a report worth knowing, with its cause.
public struct EventRecord: WireValue {
    public var serial: UInt64 = 0
    /// Wall clock, in milliseconds since 1970.
    public var at: Int64 = 0
    public var user: UserName?
    /// What it is about where that is no user: a watcher or a database.
    public var subject: String?
    /// What happened, in one line.
    public var text = ""
    /// The rule that fired, a short name that stays the same.
    public var rule = ""

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&serial)
        try coder.field(&at)
        try coder.field(&user)
        try coder.field(&subject)
        try coder.field(&text)
        try coder.field(&rule)
    }
}

/// A user whose deletion is held back.
public struct PendingDeletion: WireValue {
    public var name = UserName()
    public var since: Int64 = 0
    public var why = ""

    public init() {}

    public init(_ name: UserName, since: Int64, why: String) {
        self.name = name
        self.since = since
        self.why = why
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&since)
        try coder.field(&why)
    }
}

/// A drained database without another one to go to: its users stay for the time being.
public struct StrandedUsers: WireValue {
    public var database = ""
    public var users = 0

    public init() {}

    public init(database: String, users: Int) {
        (self.database, self.users) = (database, users)
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&database)
        try coder.field(&users)
    }
}
