// What the steward command and master say to each other about upgrades, over RUNTIME/control.sock.

package struct UpgradeRequest: WireValue {
    package enum Action: UInt8, Sendable, CaseIterable {
        /// Answered by `upgradePreview`, and one `userPreview` for each user.
        case preview = 1
        /// Send those who follow to the version.
        case start
        case pause
        case resume
        /// Bring back whom it has changed.
        case abort
    }

    package var action = Action.preview
    /// For `preview` (nil: the current one) and `start`.
    package var version: String?

    package init() {}

    package init(_ action: Action, version: String? = nil) {
        self.action = action
        self.version = version
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&action)
        try coder.field(&version)
    }
}

/// A version on its way to its users.
package struct UpgradeStatus: WireValue {
    package var target = ""
    /// rolling, paused, waiting or rolling back.
    package var state = ""
    package var reason: String?
    package var since: Int64 = 0
    /// Users: everybody whom it is about; the changed ones (or those who have gone back); those between two processes.
    package var total = 0
    package var changed = 0
    package var underway = 0
    package var failed = 0

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
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
package struct PackageStatus: WireValue {
    package var version = ""
    /// `packages/current` names it.
    package var isCurrent = false
    /// New users get it.
    package var isInForce = false
    /// Users who run it, or are to: as long as there are any it must not be deleted.
    package var users = 0
    /// Why nobody, or nobody else, is started on it.
    package var trouble: String?
    /// Why nobody is sent there until the operator says so.
    package var held: String?

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&version)
        try coder.field(&isCurrent)
        try coder.field(&isInForce)
        try coder.field(&users)
        try coder.field(&trouble)
        try coder.field(&held)
    }
}

/// The version of which an upgrade would be; who is changed follows in the order of the turns, then who is not.
package struct UpgradePreview: WireValue {
    package var version = ""

    package init() {}

    package init(version: String) {
        self.version = version
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&version)
    }
}

/// What an upgrade would mean for a user.
package struct UserPreview: WireValue {
    /// Why it would not be changed.
    package enum Stay: UInt8, Sendable, CaseIterable, CustomStringConvertible {
        case hasVersion = 1
        case pinned
        /// It gets the version at its next start.
        case nextStart
        /// upgrade.free says so.
        case free

        package var description: String {
            switch self {
            case .hasVersion: "has-version"
            case .pinned: "pinned"
            case .nextStart: "next-start"
            case .free: "free"
            }
        }
    }

    package var name = UserName()
    package var plan = Plan.free
    /// Its version now, where it has one.
    package var version: String?
    /// Whether others wait until it has proved the version.
    package var isCanary = false
    /// Nil for one that is changed.
    package var stay: Stay?

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&plan)
        try coder.field(&version)
        try coder.field(&isCanary)
        try coder.field(&stay)
    }
}
