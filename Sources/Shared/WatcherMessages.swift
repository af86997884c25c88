// What master and its other watchers say to each other, grouped by direction.

// MARK: pathwatch

public struct PathSettings: WireValue {
    /// Absolute path of the users' folder.
    public var users = ""
    /// The names that a user.yaml may give as its database: databases and groups.
    public var databases: [String] = []
    /// The account of the workers, where master is root: beside root it may write the users' files.
    public var runAs: String?
    /// Absolute path of the configuration file, which is watched, too; empty for none.
    public var configuration = ""

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&users)
        try coder.field(&databases)
        try coder.field(&runAs)
        try coder.field(&configuration)
    }
}

/// A user's files cannot be read or are wrong; the user stays as it was.
public struct UserFault: WireValue {
    public var name = UserName()
    /// FILE:LINE:COLUMN, what was found and what was expected.
    public var text = ""

    public init() {}

    public init(name: UserName, text: String) {
        self.name = name
        self.text = text
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&text)
    }
}

/// Which folder a path leads to (st_dev and st_ino of stat(2)).
public struct FolderIdentity: WireValue {
    public var device: UInt64 = 0
    public var inode: UInt64 = 0

    /// No folder.
    public init() {}

    public init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&device)
        try coder.field(&inode)
    }
}

/// The users' folder as a whole.
public struct FolderReport: WireValue {
    public var identity = FolderIdentity()
    /// Why nobody can be seen in it; then nobody is reported as gone.
    public var trouble: String?
    /// Whether everybody who was known has been looked for in this folder, and reported where gone.
    public var isSearched = false

    public init() {}

    public init(_ identity: FolderIdentity, isSearched: Bool) {
        self.identity = identity
        self.isSearched = isSearched
    }

    public init(trouble: String) {
        self.trouble = trouble
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&identity)
        try coder.field(&trouble)
        try coder.field(&isSearched)
    }
}

public enum ToPathwatch: Message {
    case settings(PathSettings)

    public init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .settings(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    public func write(to writer: inout WireWriter) throws {
        switch self {
        case .settings(let value): try writer.message(16, value)
        }
    }
}

public enum FromPathwatch: Message {
    case adduser(UserSettings)
    case moduser(UserSettings)
    case deluser(UserName)
    case fault(UserFault)
    /// The user's files are right again; where the content changed, `moduser` has been sent before.
    case faultless(UserName)
    /// Every user that is there has been reported once: who was not is gone.
    case complete
    /// At first, and when the folder has gone, is back or is another one; again when it has been searched.
    case folder(FolderReport)
    /// A snapshot begins: everybody who is there is reported anew, up to `complete`.
    case begin
    /// The configuration file may be another one than before.
    case configuration

    public init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .adduser(try reader.value())
        case 17: self = .moduser(try reader.value())
        case 18: self = .deluser(try reader.value())
        case 19: self = .fault(try reader.value())
        case 20: self = .faultless(try reader.value())
        case 21: self = .complete
        case 40: self = .folder(try reader.value())
        case 50: self = .begin
        case 51: self = .configuration
        default: throw WireError.unknownType(type)
        }
    }

    public func write(to writer: inout WireWriter) throws {
        switch self {
        case .adduser(let value): try writer.message(16, value)
        case .moduser(let value): try writer.message(17, value)
        case .deluser(let value): try writer.message(18, value)
        case .fault(let value): try writer.message(19, value)
        case .faultless(let value): try writer.message(20, value)
        case .complete: writer.message(21)
        case .folder(let value): try writer.message(40, value)
        case .begin: writer.message(50)
        case .configuration: writer.message(51)
        }
    }
}

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

/// `settings`, every database, `complete`: who is not mentioned is watched no longer.
public enum ToDBWatch: Message {
    case settings(DatabaseCheckSettings)
    case database(DatabaseSettings)
    case complete

    public init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .settings(try reader.value())
        case 17: self = .database(try reader.value())
        case 18: self = .complete
        default: throw WireError.unknownType(type)
        }
    }

    public func write(to writer: inout WireWriter) throws {
        switch self {
        case .settings(let value): try writer.message(16, value)
        case .database(let value): try writer.message(17, value)
        case .complete: writer.message(18)
        }
    }
}

public enum FromDBWatch: Message {
    /// A database whose state, cause or role has changed, or whose latency is worth an update.
    case report(DatabaseReport)

    public init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .report(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    public func write(to writer: inout WireWriter) throws {
        switch self {
        case .report(let value): try writer.message(16, value)
        }
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

    public init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .check(try reader.value())
        case 17: self = .forget(try reader.value())
        case 18: self = .suspect(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    public func write(to writer: inout WireWriter) throws {
        switch self {
        case .check(let value): try writer.message(16, value)
        case .forget(let value): try writer.message(17, value)
        case .suspect(let value): try writer.message(18, value)
        }
    }
}

public enum FromDispatch: Message {
    /// A worker's health has changed, or was asked for, or its latency is worth an update.
    case verdict(CheckVerdict)

    public init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .verdict(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    public func write(to writer: inout WireWriter) throws {
        switch self {
        case .verdict(let value): try writer.message(16, value)
        }
    }
}
