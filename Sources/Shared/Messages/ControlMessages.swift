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
    /// Everything; answered by all that there is, then `done`.
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
    /// Read the configuration file and go over to it; answered by what that means.
    case reload(ReloadRequest)
    /// The same without doing it.
    case preview(PreviewRequest)
    case upgrade(UpgradeRequest)

    public static func cases(_ coder: inout some CaseCoder<Self>) throws {
        try coder.bare(16, .status)
        try coder.value(17, Self.why) { if case .why(let value) = $0 { value } else { nil } }
        try coder.value(18, Self.events) { if case .events(let value) = $0 { value } else { nil } }
        try coder.value(19, Self.restart) { if case .restart(let value) = $0 { value } else { nil } }
        try coder.value(20, Self.hold) { if case .hold(let value) = $0 { value } else { nil } }
        try coder.value(21, Self.release) { if case .release(let value) = $0 { value } else { nil } }
        try coder.bare(22, .stop)
        try coder.bare(23, .databases)
        try coder.value(24, Self.drain) { if case .drain(let value) = $0 { value } else { nil } }
        try coder.value(25, Self.undrain) { if case .undrain(let value) = $0 { value } else { nil } }
        try coder.bare(26, .rebalance)
        try coder.value(40, Self.confirmDelete) { if case .confirmDelete(let value) = $0 { value } else { nil } }
        try coder.value(50, Self.reload) { if case .reload(let value) = $0 { value } else { nil } }
        try coder.value(51, Self.preview) { if case .preview(let value) = $0 { value } else { nil } }
        try coder.value(60, Self.upgrade) { if case .upgrade(let value) = $0 { value } else { nil } }
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
    /// A folder that is no user yet.
    case fault(UserFault)
    /// What is wrong with the packages' folder as a whole, or with its link.
    case packageTrouble(TextLine)
    case explanation(UserExplanation)
    /// A drained database that its users cannot leave.
    case stranded(StrandedUsers)
    case pendingDeletion(PendingDeletion)
    case package(PackageStatus)
    case configuration(ConfigurationOutcome)
    case setting(SettingChange)
    case consequence(UserConsequence)
    case upgrade(UpgradeStatus)
    case upgradePreview(UpgradePreview)
    case userPreview(UserPreview)

    public static func cases(_ coder: inout some CaseCoder<Self>) throws {
        try coder.bare(16, .done)
        try coder.value(17, Self.refused) { if case .refused(let value) = $0 { value } else { nil } }
        try coder.value(18, Self.master) { if case .master(let value) = $0 { value } else { nil } }
        try coder.value(19, Self.watcher) { if case .watcher(let value) = $0 { value } else { nil } }
        try coder.value(20, Self.database) { if case .database(let value) = $0 { value } else { nil } }
        try coder.value(21, Self.user) { if case .user(let value) = $0 { value } else { nil } }
        try coder.value(22, Self.event) { if case .event(let value) = $0 { value } else { nil } }
        try coder.value(24, Self.fault) { if case .fault(let value) = $0 { value } else { nil } }
        try coder.value(25, Self.packageTrouble) { if case .packageTrouble(let value) = $0 { value } else { nil } }
        try coder.value(26, Self.explanation) { if case .explanation(let value) = $0 { value } else { nil } }
        try coder.value(27, Self.stranded) { if case .stranded(let value) = $0 { value } else { nil } }
        try coder.value(40, Self.pendingDeletion) { if case .pendingDeletion(let value) = $0 { value } else { nil } }
        try coder.value(41, Self.package) { if case .package(let value) = $0 { value } else { nil } }
        try coder.value(50, Self.configuration) { if case .configuration(let value) = $0 { value } else { nil } }
        try coder.value(51, Self.setting) { if case .setting(let value) = $0 { value } else { nil } }
        try coder.value(52, Self.consequence) { if case .consequence(let value) = $0 { value } else { nil } }
        try coder.value(60, Self.upgrade) { if case .upgrade(let value) = $0 { value } else { nil } }
        try coder.value(61, Self.upgradePreview) { if case .upgradePreview(let value) = $0 { value } else { nil } }
        try coder.value(62, Self.userPreview) { if case .userPreview(let value) = $0 { value } else { nil } }
    }
}
