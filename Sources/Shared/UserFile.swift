// A user.yaml as settings. No I/O: the text comes from whoever read the file.

extension UserSettings {
    /// The largest user.yaml, in bytes.
    public static let longestFile = 32 << 10

    /// The settings that a user.yaml holds; who the user is, its folder and its `start` are not in that file.
    ///
    /// - Parameters:
    ///   - file: the name of the file in errors.
    ///   - databases: the names of the databases and groups that a user may give; where it is empty, any.
    /// - Throws: `ConfigurationError`: the first thing that is wrong.
    public init(text: String, file: String, databases: [String]) throws {
        try self.init(Setting(text: text, file: file), databases: databases)
    }

    init(_ root: Setting, databases: [String]) throws {
        self.init()
        try root.table { table in
            try table.read("plan", into: &plan) { try $0.choice(["paid": .paid, "free": .free]) }
            try table.read("database", into: &database) { try $0.database(among: databases) }
            try table.read("env", into: &env) { try $0.environment() }
            try table.read("check", into: &check) { try $0.check() }
            try table.read("limits", into: &files) { try $0.limits() }
            try table.read("run_as", into: &runAs) { try $0.name() }
            try table.read("enabled", into: &enabled) { try $0.boolean() }
            try table.read("command", into: &command) { try $0.command() }
        }
    }
}

extension Setting {
    fileprivate func database(among known: [String]) throws -> String {
        let name = try name()
        guard known.isEmpty || known.contains(name) else {
            let some = known.prefix(8).joined(separator: ", ") + (known.count > 8 ? " …" : "")
            throw mismatch("one of \(some)")
        }
        return name
    }
}
