// A package.yaml as a manifest. No I/O: the caller has read the file.

/// A version of the application, as its folder describes it.
public struct PackageManifest: WireValue {
    public var version = ""
    /// Absolute path of the version's folder, without symbolic links.
    public var folder = ""
    public var command: [String]?
    public var check = CheckOverrides()
    /// The oldest Steward that it runs under.
    public var requires: String?
    /// Of the folder and of what its package.yaml says: another one is a version that was changed in place.
    public var identity: UInt64 = 0

    public init() {}

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&version)
        guard PackageVersion.isValid(version) else { throw WireError.invalid("version '\(version)'") }
        try coder.field(&folder)
        try coder.field(&command)
        try coder.field(&check)
        try coder.field(&requires)
        try coder.field(&identity)
    }
}

extension PackageManifest {
    public static let fileName = "package.yaml"
    /// The largest package.yaml, in bytes.
    public static let longestFile = 32 << 10

    /// What a package.yaml holds; its folder and its identity are not in that file.
    ///
    /// - Parameters:
    ///   - file: the name of the file in errors.
    ///   - version: the name of the folder.
    ///   - steward: the version of Steward that is to run it.
    /// - Throws: `ConfigurationError`: the first thing that is wrong.
    public init(text: String, file: String, version name: String, steward: String = stewardVersion) throws {
        self.init()
        try Setting(text: text, file: file).table { table in
            let named = try table.required("version")
            version = try named.version()
            guard version == name else { throw named.mismatch("\(Setting.quoted(name)), as its folder is called") }
            try table.read("command", into: &command) { try $0.command() }
            try table.read("check", into: &check) { try $0.checkOrPath() }
            try table.read("requires", into: &requires) { try $0.requirement(steward) }
        }
    }
}

extension Setting {
    /// A path alone, or everything that can be said about checks.
    fileprivate func checkOrPath() throws -> CheckOverrides {
        guard case .text = node.content else { return try check() }
        var check = CheckOverrides()
        check.path = try requestPath()
        return check
    }

    /// A version of Steward that is not newer than `present`.
    fileprivate func requirement(_ present: String) throws -> String {
        guard let text = try? string(), let needed = Self.numbers(text) else {
            throw mismatch("a version of Steward, such as \(present)")
        }
        guard let numbers = Self.numbers(present), !numbers.lexicographicallyPrecedes(needed) else {
            throw fault("needs Steward \(text), and this is \(present)")
        }
        return text
    }

    /// One to three numbers, as three.
    private static func numbers(_ version: String) -> [Int]? {
        let parts = version.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in part.utf8.allSatisfy { 0x30...0x39 ~= $0 } ? Int(part) : nil }
        guard (1...3).contains(parts.count), numbers.count == parts.count else { return nil }
        return numbers + [Int](repeating: 0, count: 3 - numbers.count)
    }
}
