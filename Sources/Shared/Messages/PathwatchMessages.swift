// What master and pathwatch say to each other.

public struct PathSettings: WireValue {
    /// Absolute path of the users' folder.
    public var users = ""
    /// Absolute path of the packages' folder, where there is one.
    public var packages: String?
    /// The names that a user.yaml may give as its database: databases and groups.
    public var databases: [String] = []
    /// The account of the workers, where master is root: beside root it may write the users' files.
    public var runAs: String?
    /// Absolute path of the configuration file, which is watched, too; empty for none.
    public var configuration = ""

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&users)
        try coder.field(&packages)
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
    /// Why no user can be seen in it; then no user is reported as gone.
    public var trouble: String?
    /// Whether all known users have been looked for in this folder, and reported where gone.
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

/// A version that cannot be used.
public struct PackageFault: WireValue {
    /// Nil where the packages' folder as a whole cannot be read: what is known of it stands.
    public var version: String?
    /// FILE:LINE:COLUMN, what was found and what was expected.
    public var text = ""

    public init() {}

    public init(version: String?, text: String) {
        self.version = version
        self.text = text
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&version)
        if let version, !PackageVersion.isValid(version) { throw WireError.invalid("version '\(version)'") }
        try coder.field(&text)
    }
}

/// The version that packages/current names.
public struct CurrentPackage: WireValue {
    /// Nil where it names none.
    public var version: String?
    /// Why it names none, where that is not simply because there is no link.
    public var fault: String?

    public init() {}

    public init(version: String?, fault: String? = nil) {
        self.version = version
        self.fault = fault
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&version)
        if let version, !PackageVersion.isValid(version) { throw WireError.invalid("version '\(version)'") }
        try coder.field(&fault)
    }
}

public enum ToPathwatch: Message {
    case settings(PathSettings)

    public static func cases(_ coder: inout some CaseCoder<Self>) throws {
        try coder.value(16, Self.settings) { if case .settings(let value) = $0 { value } else { nil } }
    }
}

public enum FromPathwatch: Message {
    case adduser(UserSettings)
    case moduser(UserSettings)
    case deluser(UserName)
    case fault(UserFault)
    /// The user's files are right again; where the content changed, `moduser` has been sent before.
    case faultless(UserName)
    /// Every user that is there has been reported once: the others are gone.
    case complete
    /// At first, and when the folder has gone, is back or is another one; again when it has been searched.
    case folder(FolderReport)
    /// A snapshot begins: every user that is there is reported anew, up to `complete`.
    case begin
    /// The configuration file may be another one than before.
    case configuration
    /// A version that is there, or whose folder or package.yaml is another one now.
    case package(PackageManifest)
    case packageFault(PackageFault)
    /// The version with this name is gone.
    case packageGone(TextLine)
    /// At first, after every version has been reported, and whenever it changes.
    case currentPackage(CurrentPackage)

    public static func cases(_ coder: inout some CaseCoder<Self>) throws {
        try coder.value(16, Self.adduser) { if case .adduser(let value) = $0 { value } else { nil } }
        try coder.value(17, Self.moduser) { if case .moduser(let value) = $0 { value } else { nil } }
        try coder.value(18, Self.deluser) { if case .deluser(let value) = $0 { value } else { nil } }
        try coder.value(19, Self.fault) { if case .fault(let value) = $0 { value } else { nil } }
        try coder.value(20, Self.faultless) { if case .faultless(let value) = $0 { value } else { nil } }
        try coder.bare(21, .complete)
        try coder.value(40, Self.folder) { if case .folder(let value) = $0 { value } else { nil } }
        try coder.bare(50, .begin)
        try coder.bare(51, .configuration)
        try coder.value(41, Self.package) { if case .package(let value) = $0 { value } else { nil } }
        try coder.value(42, Self.packageFault) { if case .packageFault(let value) = $0 { value } else { nil } }
        try coder.value(43, Self.packageGone) { if case .packageGone(let value) = $0 { value } else { nil } }
        try coder.value(44, Self.currentPackage) { if case .currentPackage(let value) = $0 { value } else { nil } }
    }
}
