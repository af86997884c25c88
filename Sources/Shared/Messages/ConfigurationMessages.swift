// What the steward command and master say to each other about the configuration, over RUNTIME/control.sock.
//
// The answer to `reload` and `preview` is `configuration`, one `setting` for each difference and one `consequence` for
// each user who is concerned.

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

package struct PreviewRequest: WireValue {
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

/// What has become, or would become, of a configuration file.
package struct ConfigurationOutcome: WireValue {
    package enum Stage: UInt8, Sendable, CaseIterable, CustomStringConvertible {
        /// The file says what is in force.
        case unchanged = 1
        /// New worker settings are on their way, and the file says nothing else.
        case underway
        /// Nothing has been done.
        case preview
        case applied
        /// Nothing is in force until the operator confirms it.
        case waiting

        package var description: String {
            switch self {
            case .unchanged: "unchanged"
            case .underway: "underway"
            case .preview: "preview"
            case .applied: "applied"
            case .waiting: "waiting"
            }
        }
    }

    package var stage = Stage.unchanged
    /// Whether swaps by new worker settings go as an upgrade.
    package var isGradual = false
    /// Whether so many users lose their processes at once that it has to be confirmed.
    package var isToBeConfirmed = false

    package init() {}

    package init(_ stage: Stage, isGradual: Bool = false, isToBeConfirmed: Bool = false) {
        (self.stage, self.isGradual, self.isToBeConfirmed) = (stage, isGradual, isToBeConfirmed)
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&stage)
        try coder.field(&isGradual)
        try coder.field(&isToBeConfirmed)
    }
}

/// A setting that differs.
package struct SettingChange: WireValue {
    package var key = ""
    /// As they are shown, without secrets; nil where the key is absent.
    package var old: String?
    package var new: String?
    /// Whether only another master takes it over.
    package var isPostponed = false

    package init() {}

    package init(key: String, old: String?, new: String?, isPostponed: Bool = false) {
        self.key = key.clipped()
        self.old = old?.clipped()
        self.new = new?.clipped()
        self.isPostponed = isPostponed
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&key)
        try coder.field(&old)
        try coder.field(&new)
        try coder.field(&isPostponed)
    }
}

/// What a change of settings means for a user.
package enum Consequence: UInt8, CaseIterable, Sendable, CustomStringConvertible {
    case nothing
    /// The worker runs on; it is checked in another way.
    case check
    /// Another process takes over; no request is lost.
    case swap
    /// To another database: the old process has ended before the next one starts.
    case move
    case stop
    case start

    package var description: String {
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

/// Who is concerned by a change, and how.
package struct UserConsequence: WireValue {
    package var name = UserName()
    package var consequence = Consequence.nothing

    package init() {}

    package init(_ name: UserName, _ consequence: Consequence) {
        (self.name, self.consequence) = (name, consequence)
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&consequence)
    }
}
