// What the steward command and master say to each other about the configuration, over RUNTIME/control.sock.
//
// The answer to `reload` and `preview` is `configuration`, one `setting` for each difference and one `consequence` for
// each user that is concerned.

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

public struct PreviewRequest: WireValue {
    /// Absolute path of a configuration; nil for master's own.
    public var file: String?

    public init() {}

    public init(file: String?) {
        self.file = file
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&file)
    }
}

/// What has become, or would become, of a configuration file.
public struct ConfigurationOutcome: WireValue {
    public enum Stage: UInt8, Sendable, CaseIterable, CustomStringConvertible {
        /// The file says what is in force.
        case unchanged = 1
        /// New worker settings are on their way, and the file says nothing else.
        case underway
        /// Nothing has been done.
        case preview
        case applied
        /// Nothing is in force until the operator confirms it.
        case waiting

        public var description: String {
            switch self {
            case .unchanged: "unchanged"
            case .underway: "underway"
            case .preview: "preview"
            case .applied: "applied"
            case .waiting: "waiting"
            }
        }
    }

    public var stage = Stage.unchanged
    /// Whether swaps by new worker settings go as an upgrade.
    public var isGradual = false
    /// Whether so many users lose their processes at once that it has to be confirmed.
    public var isToBeConfirmed = false

    public init() {}

    public init(_ stage: Stage, isGradual: Bool = false, isToBeConfirmed: Bool = false) {
        (self.stage, self.isGradual, self.isToBeConfirmed) = (stage, isGradual, isToBeConfirmed)
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&stage)
        try coder.field(&isGradual)
        try coder.field(&isToBeConfirmed)
    }
}

/// A setting that differs.
public struct SettingChange: WireValue {
    public var key = ""
    /// As they are shown, without secrets; nil where the key is absent.
    public var old: String?
    public var new: String?
    /// Whether only another master takes it over.
    public var isPostponed = false

    public init() {}

    public init(key: String, old: String?, new: String?, isPostponed: Bool = false) {
        self.key = key.clipped()
        self.old = old?.clipped()
        self.new = new?.clipped()
        self.isPostponed = isPostponed
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&key)
        try coder.field(&old)
        try coder.field(&new)
        try coder.field(&isPostponed)
    }
}

/// What a change of settings means for a user.
public enum Consequence: UInt8, CaseIterable, Sendable, CustomStringConvertible {
    case nothing
    /// The worker runs on; it is checked in another way.
    case check
    /// Another process takes over; no request is lost.
    case swap
    /// To another database: the old process has ended before the next one starts.
    case move
    case stop
    case start

    public var description: String {
        switch self {
        case .nothing: "nothing"
        case .check: "check settings"
        case .swap: "swap"
        case .move: "move"
        case .stop: "stop"
        case .start: "start"
        }
    }
}

/// A user that is concerned by a change, and how.
public struct UserConsequence: WireValue {
    public var name = UserName()
    public var consequence = Consequence.nothing

    public init() {}

    public init(_ name: UserName, _ consequence: Consequence) {
        (self.name, self.consequence) = (name, consequence)
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&consequence)
    }
}
