// What the steward command and master say to each other over RUNTIME/control.sock.

/// The users that a request is about, and what the operator says about it.
package struct UsersRequest: WireValue {
    package var users: [UserName] = []
    package var reason: String?

    package init() {}

    package init(_ users: [UserName], reason: String? = nil) {
        self.users = users
        self.reason = reason
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&users)
        try coder.field(&reason)
    }
}

/// The database that a request is about.
package struct DatabaseRequest: WireValue {
    package var name = ""

    package init() {}

    package init(_ name: String) {
        self.name = name
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
    }
}

package struct ReloadRequest: WireValue {
    /// However many users it takes out of service for a moment.
    package var isConfirmed = false

    package init() {}

    package init(isConfirmed: Bool) {
        self.isConfirmed = isConfirmed
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&isConfirmed)
    }
}

package struct PlanRequest: WireValue {
    /// Absolute path of a configuration; nil for the one that master was started with.
    package var file: String?

    package init() {}

    package init(file: String?) {
        self.file = file
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&file)
    }
}

package struct EventsRequest: WireValue {
    /// Only this user's events.
    package var user: UserName?
    /// Only events at or after this wall clock time, in milliseconds since 1970.
    package var since: Int64 = 0
    /// Stay connected and receive each new event.
    package var follow = false

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&user)
        try coder.field(&since)
        try coder.field(&follow)
    }
}

package enum ControlRequest: Message {
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
    case upgrade(UpgradeRequest)

    package init(type: UInt8, from reader: inout WireReader) throws {
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
        case 60: self = .upgrade(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    package func write(to writer: inout WireWriter) throws {
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
        case .upgrade(let value): try writer.message(60, value)
        }
    }
}

/// A line of text.
package struct TextLine: WireValue {
    package var text = ""

    package init() {}

    package init(_ text: String) {
        self.text = text
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&text)
    }
}

/// A long answer is many messages; `done` or `refused` is its last.
package enum ControlAnswer: Message {
    case done
    case refused(TextLine)
    case master(MasterStatus)
    case watcher(WatcherStatus)
    case database(DatabaseStatus)
    case user(UserStatus)
    case event(EventRecord)
    case line(TextLine)
    case pendingDeletion(PendingDeletion)
    case upgrade(UpgradeStatus)
    case package(PackageStatus)

    package init(type: UInt8, from reader: inout WireReader) throws {
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
        case 60: self = .upgrade(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    package func write(to writer: inout WireWriter) throws {
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
        case .upgrade(let value): try writer.message(60, value)
        }
    }
}
