// The settings as values: what the operator wrote, checked and with defaults. No I/O.

/// How a worker's service is checked from outside.
public struct CheckSettings: WireValue {
    /// The path of the request; empty means no checks.
    public var path = "/healthz"
    public var interval = Duration.seconds(10)
    public var timeout = Duration.seconds(2)
    /// Failures in a row that make it failing.
    public var fall = 3
    /// Passes in a row that make it passing again.
    public var rise = 1

    public init() {}

    public var isWanted: Bool { !path.isEmpty }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&path)
        try coder.field(&interval)
        try coder.field(&timeout)
        try coder.field(&fall)
        try coder.field(&rise)
    }
}

/// What a user.yaml or package.yaml says about checks; nil leaves the configured value.
public struct CheckOverrides: WireValue {
    public var path: String?
    public var interval: Duration?
    public var timeout: Duration?
    public var fall: Int?
    public var rise: Int?

    public init() {}

    public func applied(to base: CheckSettings) -> CheckSettings {
        var result = base
        if let path { result.path = path }
        if let interval { result.interval = interval }
        if let timeout { result.timeout = timeout }
        if let fall { result.fall = fall }
        if let rise { result.rise = rise }
        return result
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&path)
        try coder.field(&interval)
        try coder.field(&timeout)
        try coder.field(&fall)
        try coder.field(&rise)
    }
}

public enum Plan: UInt8, Sendable, CaseIterable {
    case free, paid
}

/// A user as its folder describes it: what `adduser` and `moduser` carry.
public struct UserSettings: WireValue {
    public var name = UserName()
    /// Absolute path of the user's folder.
    public var folder = ""
    public var plan = Plan.free
    /// The name of a database or of a group; nil leaves the choice to master.
    public var database: String?
    /// The version that the user is pinned to; nil where it follows.
    public var package: String?
    public var env: [String: String] = [:]
    public var check = CheckOverrides()
    public var limits = LimitOverrides()
    public var runAs: String?
    public var enabled = true
    public var command: [String]?
    /// Identity and time of the executable `start` in the folder, so that a new one is a change; 0 where there is none.
    public var start: UInt64 = 0

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&folder)
        try coder.field(&plan)
        try coder.field(&database)
        try coder.field(&package)
        try coder.field(&env)
        try coder.field(&check)
        try coder.field(&limits)
        try coder.field(&runAs)
        try coder.field(&enabled)
        try coder.field(&command)
        try coder.field(&start)
    }
}

public struct DatabaseSettings: WireValue {
    public var name = ""
    /// As libpq takes it: keywords and values, or a URI.
    public var conninfo = ""
    /// The members of a group are synchronised. A database without one is its own group.
    public var group: String?

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&conninfo)
        try coder.field(&group)
    }
}

/// How the databases are watched.
public struct DatabaseCheckSettings: WireValue {
    public var interval = Duration.seconds(1)
    public var timeout = Duration.seconds(2)
    /// Timeouts in a row that make a database unavailable. A definite answer needs no count.
    public var fall = 3
    /// Passes in a row that make it available again.
    public var rise = 2
    /// Whether a database has to accept writes to be available.
    public var writable = true
    /// How often a fresh login is made beside the kept connection.
    public var loginInterval = Duration.seconds(5)

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&interval)
        try coder.field(&timeout)
        try coder.field(&fall)
        try coder.field(&rise)
        try coder.field(&writable)
        try coder.field(&loginInterval)
    }
}

/// How many users may be deleted within a minute without a word of the operator: the larger of the two.
public struct DeletionFuseSettings: Equatable, Sendable {
    public var users = 5
    /// Of all users, 0 to 1.
    public var share = 0.1

    public init() {}
}

/// The groups that may use control.sock beside root and the account of master, by their names.
public struct ControlSettings: Equatable, Sendable {
    /// Group of the socket: its members may ask; nil: the group of master.
    public var group: String?
    /// Its members may change things, too.
    public var operators: String?

    public init() {}
}

/// When a worker that died is started again.
public struct RestartSettings: Equatable, Sendable {
    /// The delay after the first death of a row.
    public var first = Duration.zero
    /// The delay after the second one; each further one is `factor` times longer, up to `cap`.
    public var then = Duration.milliseconds(500)
    public var factor = 2.0
    public var cap = Duration.seconds(60)
    /// Each delay is lengthened or shortened by up to this share, 0 to 1.
    public var jitter = 0.2
    /// A worker that was ready this long begins a new row.
    public var resetAfter = Duration.seconds(60)
    /// So many deaths within `loopWindow` are a crash loop.
    public var loopDeaths = 5
    public var loopWindow = Duration.seconds(60)

    public init() {}
}

/// How a worker is replaced while it serves.
public enum SwapMode: String, Sendable, CaseIterable {
    /// The new process is ready before the old one leaves.
    case overlap
    /// The old process has left before the new one starts.
    case stopFirst = "stop-first"
}

public struct WorkerSettings: Equatable, Sendable {
    public var command = ["python3", "app.py"]
    public var readyTimeout = Duration.seconds(60)
    public var stopTimeout = Duration.seconds(30)
    /// The longest silence once the first WATCHDOG=1 has come; zero expects none.
    public var heartbeat = Duration.seconds(30)
    public var swap = SwapMode.overlap
    public var restart = RestartSettings()
    public var check = CheckSettings()
    /// How many workers may be starting at a time; nil: twice the number of processors.
    public var startConcurrency: Int?
    public var limits = LimitSettings()
    public var env: [String: String] = [:]

    public init() {}
}

/// What happens to free users when another version becomes current; paying users are upgraded.
public enum FreeUpgrade: String, Sendable {
    /// They are upgraded, too, after the paying ones.
    case follow
    /// They stay on the version that they run.
    case stay
    /// They take the version in force whenever they are started.
    case onRestart = "on-restart"
}

/// How another version is brought to the users.
public struct UpgradeSettings: Equatable, Sendable {
    public var free = FreeUpgrade.stay
    /// How many users try it before the others.
    public var canary = 1
    /// How many users are upgraded at a time.
    public var parallel = 5
    /// So many failures end it.
    public var maxFailures = 1
    /// How long a new process has to be well before customers are sent to it.
    public var soak = Duration.seconds(6)

    public init() {}
}

/// The whole configuration. Paths are absolute.
public struct Configuration: Equatable, Sendable {
    public var users = ""
    /// The folder of the versions; nil where the application is not delivered in packages.
    public var packages: String?
    public var runtime = ""
    public var state = ""
    public var logs = ""
    public var runAs: String?
    /// Group of the users' sockets: its members may connect.
    public var socketGroup: String?
    public var socketMode: UInt32 = 0o660
    public var control = ControlSettings()
    public var worker = WorkerSettings()
    public var databases: [DatabaseSettings] = []
    public var databaseCheck = DatabaseCheckSettings()
    /// How long a database is unavailable before its users move to another member of its group.
    public var moveAfter = Duration.seconds(1)
    public var upgrade = UpgradeSettings()
    public var deletionFuse = DeletionFuseSettings()

    public init() {}
}
