// What the steward command and master say to each other over RUNTIME/control.sock.

/// The users that a request is about, and what the operator says about it.
public struct UsersRequest: WireValue {
    public var users: [UserName] = []
    public var reason: String?

    public init() {}

    public init(_ users: [UserName], reason: String? = nil) {
        self.users = users
        self.reason = reason
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&users)
        try coder.field(&reason)
    }
}

/// The database that a request is about.
public struct DatabaseRequest: WireValue {
    public var name = ""

    public init() {}

    public init(_ name: String) {
        self.name = name
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
    }
}

public struct ReloadRequest: WireValue {
    /// However many users it takes out of service for a moment.
    public var isConfirmed = false

    public init() {}

    public init(isConfirmed: Bool) {
        self.isConfirmed = isConfirmed
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&isConfirmed)
    }
}

public struct PlanRequest: WireValue {
    /// Absolute path of a configuration; nil for the one that master was started with.
    public var file: String?

    public init() {}

    public init(file: String?) {
        self.file = file
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&file)
    }
}

public struct EventsRequest: WireValue {
    /// Only this user's events.
    public var user: UserName?
    /// Only events at or after this wall clock time, in milliseconds since 1970.
    public var since: Int64 = 0
    /// Stay connected and receive each new event.
    public var follow = false

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&user)
        try coder.field(&since)
        try coder.field(&follow)
    }
}

public enum ControlRequest: Message {
    /// Everything; answered by master, watchers, databases and users, then `done`.
    case status
    case why(UserName)
    case events(EventsRequest)
    case restart(UsersRequest)
    case hold(UsersRequest)
    case release(UsersRequest)
    case stop
    /// Answered by the databases, then `done`.
    case databases
    case drain(DatabaseRequest)
    case undrain(DatabaseRequest)
    case rebalance
    /// Deletions that are held back are to be carried out; without users, all of them.
    case confirmDelete(UsersRequest)
    /// Read the configuration file and go over to it; answered by lines that tell what that means.
    case reload(ReloadRequest)
    /// The same without doing it.
    case plan(PlanRequest)

    public init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .status
        case 17: self = .why(try reader.value())
        case 18: self = .events(try reader.value())
        case 19: self = .restart(try reader.value())
        case 20: self = .hold(try reader.value())
        case 21: self = .release(try reader.value())
        case 22: self = .stop
        case 23: self = .databases
        case 24: self = .drain(try reader.value())
        case 25: self = .undrain(try reader.value())
        case 26: self = .rebalance
        case 40: self = .confirmDelete(try reader.value())
        case 50: self = .reload(try reader.value())
        case 51: self = .plan(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    public func write(to writer: inout WireWriter) throws {
        switch self {
        case .status: writer.message(16)
        case .why(let value): try writer.message(17, value)
        case .events(let value): try writer.message(18, value)
        case .restart(let value): try writer.message(19, value)
        case .hold(let value): try writer.message(20, value)
        case .release(let value): try writer.message(21, value)
        case .stop: writer.message(22)
        case .databases: writer.message(23)
        case .drain(let value): try writer.message(24, value)
        case .undrain(let value): try writer.message(25, value)
        case .rebalance: writer.message(26)
        case .confirmDelete(let value): try writer.message(40, value)
        case .reload(let value): try writer.message(50, value)
        case .plan(let value): try writer.message(51, value)
        }
    }
}

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
    /// Who watches it now has not reported it yet, or nobody does: this is what was last known.
    public var isOld = false
    /// Taken out of use by the operator.
    public var isDrained = false
    /// How many users work on it.
    public var users = 0
    /// How many are yet to leave it, or have come and are not ready yet.
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

/// A version of the application.
public struct PackageStatus: WireValue {
    public var version = ""
    /// Whether it is in force.
    public var isCurrent = false
    /// How many users run it, or are to.
    public var users = 0
    /// Why nobody, or nobody else, is started on it.
    public var trouble: String?

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&version)
        try coder.field(&isCurrent)
        try coder.field(&users)
        try coder.field(&trouble)
    }
}

/// A line of text.
public struct TextLine: WireValue {
    public var text = ""

    public init() {}

    public init(_ text: String) {
        self.text = text
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&text)
    }
}

/// A long answer is many messages; `done` or `refused` is its last.
public enum ControlAnswer: Message {
    case done
    case refused(TextLine)
    case master(MasterStatus)
    case watcher(WatcherStatus)
    case database(DatabaseStatus)
    case user(UserStatus)
    case event(EventRecord)
    case line(TextLine)
    case pendingDeletion(PendingDeletion)
    case package(PackageStatus)

    public init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .done
        case 17: self = .refused(try reader.value())
        case 18: self = .master(try reader.value())
        case 19: self = .watcher(try reader.value())
        case 20: self = .database(try reader.value())
        case 21: self = .user(try reader.value())
        case 22: self = .event(try reader.value())
        case 23: self = .line(try reader.value())
        case 40: self = .pendingDeletion(try reader.value())
        case 41: self = .package(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    public func write(to writer: inout WireWriter) throws {
        switch self {
        case .done: writer.message(16)
        case .refused(let value): try writer.message(17, value)
        case .master(let value): try writer.message(18, value)
        case .watcher(let value): try writer.message(19, value)
        case .database(let value): try writer.message(20, value)
        case .user(let value): try writer.message(21, value)
        case .event(let value): try writer.message(22, value)
        case .line(let value): try writer.message(23, value)
        case .pendingDeletion(let value): try writer.message(40, value)
        case .package(let value): try writer.message(41, value)
        }
    }
}
