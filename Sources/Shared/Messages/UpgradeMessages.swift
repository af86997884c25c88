// What the steward command and master say to each other about upgrades, over RUNTIME/control.sock.

public struct UpgradeRequest: WireValue {
    public enum Action: UInt8, Sendable, CaseIterable {
        /// Answered by `upgradePreview`, and one `userPreview` for each user.
        case preview = 1
        /// Send the users that follow to the version.
        case start
        case pause
        case resume
        /// Bring back the users that it has changed.
        case abort
    }

    public var action = Action.preview
    /// For `preview` (nil: the current one) and `start`.
    public var version: String?

    public init() {}

    public init(_ action: Action, version: String? = nil) {
        self.action = action
        self.version = version
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&action)
        try coder.field(&version)
    }
}

/// A version on its way to its users.
public struct UpgradeStatus: WireValue {
    public var target = ""
    /// rolling, paused, waiting or rolling back.
    public var state = ""
    public var reason: String?
    public var since: Int64 = 0
    /// Users: all that it is about; the changed ones (or those that have gone back); those between two processes.
    public var total = 0
    public var changed = 0
    public var underway = 0
    public var failed = 0

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&target)
        try coder.field(&state)
        try coder.field(&reason)
        try coder.field(&since)
        try coder.field(&total)
        try coder.field(&changed)
        try coder.field(&underway)
        try coder.field(&failed)
    }
}

/// A version of the application that is there, or that a user runs.
public struct PackageStatus: WireValue {
    public var version = ""
    /// `packages/current` names it.
    public var isCurrent = false
    /// New users get it.
    public var isInForce = false
    /// Users that run it, or are to: as long as there are any it must not be deleted.
    public var users = 0
    /// Why no user, or no other user, is started on it.
    public var trouble: String?
    /// Why no user is sent there until the operator says so.
    public var held: String?

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&version)
        try coder.field(&isCurrent)
        try coder.field(&isInForce)
        try coder.field(&users)
        try coder.field(&trouble)
        try coder.field(&held)
    }
}

/// The version that an upgrade would bring. The changed users follow in the order of their turns, then the others.
public struct UpgradePreview: WireValue {
    public var version = ""

    public init() {}

    public init(version: String) {
        self.version = version
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&version)
    }
}

/// What an upgrade would mean for a user.
public struct UserPreview: WireValue {
    /// Why it would not be changed.
    public enum Stay: UInt8, Sendable, CaseIterable, CustomStringConvertible {
        case hasVersion = 1
        case pinned
        /// It gets the version at its next start.
        case nextStart
        /// upgrade.free says so.
        case free

        public var description: String {
            switch self {
            case .hasVersion: "has-version"
            case .pinned: "pinned"
            case .nextStart: "next-start"
            case .free: "free"
            }
        }
    }

    public var name = UserName()
    public var plan = Plan.free
    /// Its version now, where it has one.
    public var version: String?
    /// Whether others wait until it has proved the version.
    public var isCanary = false
    /// Nil for one that is changed.
    public var stay: Stay?

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&plan)
        try coder.field(&version)
        try coder.field(&isCanary)
        try coder.field(&stay)
    }
}
