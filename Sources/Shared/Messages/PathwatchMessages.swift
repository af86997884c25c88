// What master and pathwatch say to each other.

package struct PathSettings: WireValue {
    /// Absolute path of the users' folder.
    package var users = ""
    /// Absolute path of the packages' folder, where there is one.
    package var packages: String?
    /// The names that a user.yaml may give as its database: databases and groups.
    package var databases: [String] = []
    /// The account of the workers, where master is root: beside root it may write the users' files.
    package var runAs: String?
    /// Absolute path of the configuration file, which is watched, too; empty for none.
    package var configuration = ""

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&users)
        try coder.field(&packages)
        try coder.field(&databases)
        try coder.field(&runAs)
        try coder.field(&configuration)
    }
}

/// A user's files cannot be read or are wrong; the user stays as it was.
package struct UserFault: WireValue {
    package var name = UserName()
    /// FILE:LINE:COLUMN, what was found and what was expected.
    package var text = ""

    package init() {}

    package init(name: UserName, text: String) {
        self.name = name
        self.text = text
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&text)
    }
}

/// Which folder a path leads to (st_dev and st_ino of stat(2)).
package struct FolderIdentity: WireValue {
    package var device: UInt64 = 0
    package var inode: UInt64 = 0

    /// No folder.
    package init() {}

    package init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&device)
        try coder.field(&inode)
    }
}

/// The users' folder as a whole.
package struct FolderReport: WireValue {
    package var identity = FolderIdentity()
    /// Why nobody can be seen in it; then nobody is reported as gone.
    package var trouble: String?
    /// Whether everybody who was known has been looked for in this folder, and reported where gone.
    package var isSearched = false

    package init() {}

    package init(_ identity: FolderIdentity, isSearched: Bool) {
        self.identity = identity
        self.isSearched = isSearched
    }

    package init(trouble: String) {
        self.trouble = trouble
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&identity)
        try coder.field(&trouble)
        try coder.field(&isSearched)
    }
}

/// A version that cannot be used.
package struct PackageFault: WireValue {
    /// Nil where the packages' folder as a whole cannot be read: what is known of it stands.
    package var version: String?
    /// FILE:LINE:COLUMN, what was found and what was expected.
    package var text = ""

    package init() {}

    package init(version: String?, text: String) {
        self.version = version
        self.text = text
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&version)
        if let version, !PackageVersion.isValid(version) { throw WireError.invalid("version '\(version)'") }
        try coder.field(&text)
    }
}

/// The version that packages/current names.
package struct CurrentPackage: WireValue {
    /// Nil where it names none.
    package var version: String?
    /// Why it names none, where that is not simply because there is no link.
    package var fault: String?

    package init() {}

    package init(version: String?, fault: String? = nil) {
        self.version = version
        self.fault = fault
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&version)
        if let version, !PackageVersion.isValid(version) { throw WireError.invalid("version '\(version)'") }
        try coder.field(&fault)
    }
}

package enum ToPathwatch: Message {
    case settings(PathSettings)

    package init(type: UInt8, from reader: inout WireReader) throws {
        switch type {
        case 16: self = .settings(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    package func write(to writer: inout WireWriter) throws {
        switch self {
        case .settings(let value): try writer.message(16, value)
        }
    }
}

package enum FromPathwatch: Message {
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
    /// A version that is there, or whose folder or package.yaml is another one now.
    case package(PackageManifest)
    case packageFault(PackageFault)
    /// The version with this name is gone.
    case packageGone(TextLine)
    /// At first, after every version has been reported, and whenever it changes.
    case currentPackage(CurrentPackage)

    package init(type: UInt8, from reader: inout WireReader) throws {
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
        case 41: self = .package(try reader.value())
        case 42: self = .packageFault(try reader.value())
        case 43: self = .packageGone(try reader.value())
        case 44: self = .currentPackage(try reader.value())
        default: throw WireError.unknownType(type)
        }
    }

    package func write(to writer: inout WireWriter) throws {
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
        case .package(let value): try writer.message(41, value)
        case .packageFault(let value): try writer.message(42, value)
        case .packageGone(let value): try writer.message(43, value)
        case .currentPackage(let value): try writer.message(44, value)
        }
    }
}
