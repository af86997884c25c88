// What master tells the operator of itself and of what it supervises.

package struct MasterStatus: WireValue {
    package var pid: Int32 = 0
    package var version = ""
    /// Wall clock, in milliseconds since 1970, as in the other parts of a status.
    package var since: Int64 = 0
    /// Workers taken over from an earlier master.
    package var adopted = 0
    /// What the operator has to do about the configuration file: it is wrong, or waits for a word. Nil for nothing.
    package var configuration: String?

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&pid)
        try coder.field(&version)
        try coder.field(&since)
        try coder.field(&adopted)
        try coder.field(&configuration)
    }
}

package struct WatcherStatus: WireValue {
    package var name = ""
    package var pid: Int32?
    /// up, starting or waiting.
    package var state = ""
    package var restarts = 0

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&pid)
        try coder.field(&state)
        try coder.field(&restarts)
    }
}

package struct DatabaseStatus: WireValue {
    /// As it counts: a database that flaps is unavailable although it answers at the moment.
    package var report = DatabaseReport()
    package var group: String?
    package var since: Int64 = 0
    /// Who watches it now has not reported it yet, or nobody does: this is what was last known.
    package var isOld = false
    /// Taken out of use by the operator.
    package var isDrained = false
    /// How many users work on it.
    package var users = 0
    /// How many are yet to leave it, or have come and are not ready yet.
    package var moving = 0
    /// What it was before its last change, and when that was; nil where nothing has changed since master's start.
    package var before: String?
    package var changedAt: Int64 = 0

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
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

package struct UserStatus: WireValue {
    package var name = UserName()
    package var plan = Plan.free
    /// queued, starting, ready, swapping, stopping, waiting, crash-looping, held or disabled.
    package var state = ""
    package var pid: Int32?
    /// Of the process that serves or is to serve: each start has another.
    package var generation: UInt64 = 0
    package var since: Int64 = 0
    package var database: String?
    /// The version that it runs, or is to run.
    package var package: String?
    /// Deaths, not swaps.
    package var restarts = 0
    package var lastExit: String?
    package var reason: String?
    package var health: String?
    package var latency: Double?

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
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
package struct EventRecord: WireValue {
    package var serial: UInt64 = 0
    /// Wall clock, in milliseconds since 1970.
    package var at: Int64 = 0
    package var user: UserName?
    /// What it is about where that is no user: a watcher or a database.
    package var subject: String?
    /// What happened, in one line.
    package var text = ""
    /// The rule that fired, a short name that stays the same.
    package var rule = ""

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&serial)
        try coder.field(&at)
        try coder.field(&user)
        try coder.field(&subject)
        try coder.field(&text)
        try coder.field(&rule)
    }
}

/// A user whose deletion is held back.
package struct PendingDeletion: WireValue {
    package var name = UserName()
    package var since: Int64 = 0
    package var why = ""

    package init() {}

    package init(_ name: UserName, since: Int64, why: String) {
        self.name = name
        self.since = since
        self.why = why
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&since)
        try coder.field(&why)
    }
}

/// A drained database without another one to go to: its users stay for the time being.
package struct StrandedUsers: WireValue {
    package var database = ""
    package var users = 0

    package init() {}

    package init(database: String, users: Int) {
        (self.database, self.users) = (database, users)
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&database)
        try coder.field(&users)
    }
}
