// A user.yaml as settings. No I/O: the caller has read the file.

extension UserSettings {
    /// The largest user.yaml, in bytes.
    public static let longestFile = 32 << 10

    /// The settings that a user.yaml holds; the user's name, its folder and its `start` are not in that file.
    ///
    /// - Parameters:
    ///   - file: the name of the file in errors.
    ///   - databases: the names of the databases and groups that a user may give; where it is empty, any.
    ///   - isRoot: whether an account is one of uid 0.
    /// - Throws: `ConfigurationError`: the first thing that is wrong.
    public init(
        text: String, file: String, databases: [String], isRoot: (String) -> Bool = { $0 == "root" }
    ) throws {
        try self.init(Setting(text: text, file: file), databases: databases, isRoot: isRoot)
    }

    init(_ root: Setting, databases: [String], isRoot: (String) -> Bool = { $0 == "root" }) throws {
        self.init()
        try root.table { table in
            try table.read("plan", into: &plan) { try $0.choice(["paid": .paid, "free": .free]) }
            if let package = table["package"] { self.package = try package.pin() }
            try table.read("database", into: &database) { try $0.database(among: databases) }
            try table.read("env", into: &env) { try $0.environment() }
            try table.read("check", into: &check) { try $0.check() }
            try table.read("limits", into: &limits) { try $0.limits() }
            try table.read("run_as", into: &runAs) { try $0.account(isRoot) }
            try table.read("enabled", into: &enabled) { try $0.boolean() }
            try table.read("command", into: &command) { try $0.command() }
        }
    }
}

extension Setting {
    /// `follow`, or the one version that a user is to run.
    fileprivate func pin() throws -> String? {
        if (try? string()) == "follow" { return nil }
        guard let version = try? version() else { throw mismatch("follow or a version: \(PackageVersion.rule)") }
        return version
    }

    fileprivate func database(among known: [String]) throws -> String {
        let name = try name()
        guard known.isEmpty || known.contains(name) else {
            let some = known.prefix(8).joined(separator: ", ") + (known.count > 8 ? " …" : "")
            throw mismatch("one of \(some)")
        }
        return name
    }
}
