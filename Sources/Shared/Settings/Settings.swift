// The settings as values: what the operator wrote, checked and with defaults. No I/O.

/// How a worker's service is checked from outside.
package struct CheckSettings: WireValue {
    /// The path of the request; empty means no checks.
    package var path = "/healthz"
    package var interval = Duration.seconds(10)
    package var timeout = Duration.seconds(2)
    /// Failures in a row that make it failing.
    package var fall = 3
    /// Passes in a row that make it passing again.
    package var rise = 1

    package init() {}

    package var isWanted: Bool { !path.isEmpty }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&path)
        try coder.field(&interval)
        try coder.field(&timeout)
        try coder.field(&fall)
        try coder.field(&rise)
    }
}

/// What a user.yaml or package.yaml says about checks; nil leaves the configured value.
package struct CheckOverrides: WireValue {
    package var path: String?
    package var interval: Duration?
    package var timeout: Duration?
    package var fall: Int?
    package var rise: Int?

    package init() {}

    package func applied(to base: CheckSettings) -> CheckSettings {
        var result = base
        if let path { result.path = path }
        if let interval { result.interval = interval }
        if let timeout { result.timeout = timeout }
        if let fall { result.fall = fall }
        if let rise { result.rise = rise }
        return result
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&path)
        try coder.field(&interval)
        try coder.field(&timeout)
        try coder.field(&fall)
        try coder.field(&rise)
    }
}

package enum Plan: UInt8, Sendable, CaseIterable {
    case free, paid
}

/// A user as its folder describes it: what `adduser` and `moduser` carry.
package struct UserSettings: WireValue {
    package var name = UserName()
    /// Absolute path of the user's folder.
    package var folder = ""
    package var plan = Plan.free
    /// The name of a database or of a group; nil leaves the choice to master.
    package var database: String?
    /// The version that the user is pinned to; nil where it follows.
    package var package: String?
    package var env: [String: String] = [:]
    package var check = CheckOverrides()
    package var limits = LimitOverrides()
    package var runAs: String?
    package var enabled = true
    package var command: [String]?
    /// Identity and time of the executable `start` in the folder, so that a new one is a change; 0 where there is none.
    package var start: UInt64 = 0

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
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

package struct DatabaseSettings: WireValue {
    package var name = ""
    /// As libpq takes it: keywords and values, or a URI.
    package var conninfo = ""
    /// The members of a group are synchronised. A database without one is its own group.
    package var group: String?

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&conninfo)
        try coder.field(&group)
    }
}

/// How the databases are watched.
package struct DatabaseCheckSettings: WireValue {
    package var interval = Duration.seconds(1)
    package var timeout = Duration.seconds(2)
    /// Timeouts in a row that make a database unavailable. A definite answer needs no count.
    package var fall = 3
    /// Passes in a row that make it available again.
    package var rise = 2
    /// Whether a database has to accept writes to be available.
    package var writable = true
    /// How often a fresh login is made beside the kept connection.
    package var loginInterval = Duration.seconds(5)

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&interval)
        try coder.field(&timeout)
        try coder.field(&fall)
        try coder.field(&rise)
        try coder.field(&writable)
        try coder.field(&loginInterval)
    }
}

/// How many users may be deleted within a minute without a word of the operator: the larger of the two.
package struct DeletionFuseSettings: Equatable, Sendable {
    package var users = 5
    /// Of all users, 0 to 1.
    package var share = 0.1

    package init() {}
}

/// Who may use control.sock beside root and the account of master. Names of groups.
package struct ControlSettings: Equatable, Sendable {
    /// Group of the socket: its members may ask; nil: the group of master.
    package var group: String?
    /// Its members may change things, too.
    package var operators: String?

    package init() {}
}

/// When a worker that died is started again.
package struct RestartSettings: Equatable, Sendable {
    /// The delay after the first death of a row.
    package var first = Duration.zero
    /// The delay after the second one; each further one is `factor` times longer, up to `cap`.
    package var then = Duration.milliseconds(500)
    package var factor = 2.0
    package var cap = Duration.seconds(60)
    /// Each delay is lengthened or shortened by up to this share, 0 to 1.
    package var jitter = 0.2
    /// A worker that was ready this long begins a new row.
    package var resetAfter = Duration.seconds(60)
    /// So many deaths within `loopWindow` are a crash loop.
    package var loopDeaths = 5
    package var loopWindow = Duration.seconds(60)

    package init() {}
}

/// How a worker is replaced while it serves.
package enum SwapMode: String, Sendable, CaseIterable {
    /// The new process is ready before the old one leaves.
    case overlap
    /// The old process has left before the new one starts.
    case stopFirst = "stop-first"
}

package struct WorkerSettings: Equatable, Sendable {
    package var command = ["python3", "app.py"]
    package var readyTimeout = Duration.seconds(60)
    package var stopTimeout = Duration.seconds(30)
    /// The longest silence once the first WATCHDOG=1 has come; zero expects none.
    package var heartbeat = Duration.seconds(30)
    package var swap = SwapMode.overlap
    package var restart = RestartSettings()
    package var check = CheckSettings()
    /// How many workers may be starting at a time; nil: twice the number of processors.
    package var startConcurrency: Int?
    package var limits = LimitSettings()
    package var env: [String: String] = [:]

    package init() {}
}

/// What happens to free users when another version becomes current; paying users are upgraded.
package enum FreeUpgrade: String, Sendable {
    /// They are upgraded, too, after the paying ones.
    case follow
    /// They stay on the version that they run.
    case stay
    /// They take the version in force whenever they are started.
    case onRestart = "on-restart"
}

/// How another version is brought to the users.
package struct UpgradeSettings: Equatable, Sendable {
    package var free = FreeUpgrade.stay
    /// How many users try it before the others.
    package var canary = 1
    /// How many users are upgraded at a time.
    package var parallel = 5
    /// So many failures end it.
    package var maxFailures = 1
    /// How long a new process has to be well before customers are sent to it.
    package var soak = Duration.seconds(6)

    package init() {}
}

/// The whole configuration. Paths are absolute.
package struct Configuration: Equatable, Sendable {
    package var users = ""
    /// The folder of the versions; nil where the application is not delivered in packages.
    package var packages: String?
    package var runtime = ""
    package var state = ""
    package var logs = ""
    package var runAs: String?
    /// Group of the users' sockets: who may connect.
    package var socketGroup: String?
    package var socketMode: UInt32 = 0o660
    package var control = ControlSettings()
    package var worker = WorkerSettings()
    package var databases: [DatabaseSettings] = []
    package var databaseCheck = DatabaseCheckSettings()
    /// How long a database is unavailable before its users move to another member of its group.
    package var moveAfter = Duration.seconds(1)
    package var upgrade = UpgradeSettings()
    package var deletionFuse = DeletionFuseSettings()

    package init() {}
}
