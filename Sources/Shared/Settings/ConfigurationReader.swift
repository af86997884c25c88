// The configuration file as settings: read whole, checked whole, or refused with one line.

extension Configuration {
    /// The largest configuration file, in bytes.
    public static let longestFile = 1 << 20

    /// - Parameters:
    ///   - file: the name of the file in errors.
    ///   - folder: absolute; where relative paths begin.
    /// - Throws: `ConfigurationError`: the first thing that is wrong.
    public init(text: String, file: String, folder: String) throws {
        try self.init(Setting(text: text, file: file), folder: folder)
    }

    init(_ root: Setting, folder: String) throws {
        self.init()
        try root.table { table in
            users = try table.required("users").path(from: folder)
            try table.read("packages", into: &packages) { try $0.path(from: folder) }
            try readFolders(&table, root, folder)
            try table.read("run_as", into: &runAs) { try $0.account { $0 == "root" } }
            if let socket = try table["socket"]?.socket() { (socketGroup, socketMode) = socket }
            try table.read("control", into: &control) { try $0.control() }
            try table.read("worker", into: &worker) { try $0.worker() }
            try table.read("databases", into: &databases) { try $0.databases() }
            if let check = try table["database_check"]?.databaseCheck() { (databaseCheck, moveAfter) = check }
            try table.read("upgrade", into: &upgrade) { try $0.upgrade() }
            try table.read("deletion_fuse", into: &deletionFuse) { try $0.deletionFuse() }
        }
    }

    private mutating func readFolders(_ table: inout SettingTable, _ root: Setting, _ folder: String) throws {
        let given = table["runtime"]
        runtime = try ConfiguredFolders.folder(given, "run", from: folder)
        let excess = Self.longestSocket(runtime) - FilePath.longestSocket
        guard excess <= 0 else {
            let text = "\(Setting.quoted(runtime)) is \(excess) bytes too long: nginx could not reach the sockets in it"
            throw given?.fault(text) ?? root.fault("runtime: \(text)")
        }
        state = try ConfiguredFolders.folder(table["state"], "state", from: folder)
        logs = try ConfiguredFolders.folder(table["logs"], "logs", from: folder)
    }

    /// The length of RUNTIME/users/NAME.sock for the longest name, in bytes: the path that nginx connects to.
    private static func longestSocket(_ runtime: String) -> Int {
        "\(runtime)/users/.sock".utf8.count + UserName.longest
    }
}

/// What the steward command has to know of a configuration. Paths are absolute.
public struct ConfiguredFolders {
    public let runtime: String
    public let logs: String
    /// Nil where the file does not say: then it is no configuration for a master.
    public let users: String?

    /// Of a file whose other keys may be wrong: a running master is still to be reached by it.
    ///
    /// - Throws: `ConfigurationError`.
    public init(text: String, file: String, folder: String) throws {
        var table = try SettingTable(Setting(text: text, file: file))
        runtime = try Self.folder(table["runtime"], "run", from: folder)
        logs = try Self.folder(table["logs"], "logs", from: folder)
        users = try table["users"]?.path(from: folder)
    }

    fileprivate static func folder(_ given: Setting?, _ usual: String, from folder: String) throws -> String {
        try given?.path(from: folder) ?? FilePath.absolute(usual, from: folder)
    }
}

extension Setting {
    fileprivate func path(from folder: String) throws -> String {
        let path = try string()
        guard !path.isEmpty else { throw mismatch("a path") }
        return FilePath.absolute(path, from: folder)
    }

    fileprivate func socket() throws -> (group: String?, mode: UInt32) {
        try table { table in
            var (group, mode) = (Configuration().socketGroup, Configuration().socketMode)
            try table.read("group", into: &group) { try $0.name() }
            try table.read("mode", into: &mode) { try $0.mode() }
            return (group, mode)
        }
    }

    fileprivate func control() throws -> ControlSettings {
        try table { table in
            var control = ControlSettings()
            try table.read("group", into: &control.group) { try $0.name() }
            try table.read("operators", into: &control.operators) { try $0.name() }
            return control
        }
    }

    /// Permissions, as chmod(1) takes them: octal digits.
    private func mode() throws -> UInt32 {
        let text = try? string()
        guard let text, (1...4).contains(text.utf8.count), let mode = UInt32(text, radix: 8), mode <= 0o777 else {
            throw mismatch("octal permissions from 0 to 0777, such as 0660")
        }
        return mode
    }

    fileprivate func databases() throws -> [DatabaseSettings] {
        let named = try entries().map { entry in
            var database = DatabaseSettings()
            database.name = try Setting(file: file, key: key, node: entry.name.node).name()
            let group = try entry.value.readDatabase(&database)
            return (database, group)
        }
        let databases = named.map(\.0)
        for (database, group) in named {
            // A user may name a database or a group: one name must not mean two different sets.
            let namesake = databases.first { $0.name == database.group }
            if let namesake, let group, namesake.name != database.name, namesake.group ?? namesake.name != group.text {
                throw group.fault("\(Self.quoted(group.text)) is also a database, which is not in this group")
            }
        }
        return databases
    }

    /// Answers the place of the group's name, if it has one.
    private func readDatabase(_ database: inout DatabaseSettings) throws -> Setting? {
        try table { table in
            let conninfo = try table.required("conninfo")
            database.conninfo = try conninfo.string()
            guard !database.conninfo.isEmpty else { throw conninfo.mismatch("keywords and values, or a URI") }
            let group = table["group"]
            database.group = try group?.name()
            return group
        }
    }

    fileprivate func upgrade() throws -> UpgradeSettings {
        try table { table in
            var upgrade = UpgradeSettings()
            try table.read("free", into: &upgrade.free) {
                try $0.choice(["follow": .follow, "stay": .stay, "on-restart": .onRestart])
            }
            try table.read("canary", into: &upgrade.canary) { try $0.integer(0...10_000) }
            try table.read("parallel", into: &upgrade.parallel) { try $0.integer(1...10_000) }
            try table.read("max_failures", into: &upgrade.maxFailures) { try $0.integer(1...1_000_000) }
            try table.read("soak", into: &upgrade.soak) { try $0.duration() }
            return upgrade
        }
    }

    fileprivate func deletionFuse() throws -> DeletionFuseSettings {
        try table { table in
            var fuse = DeletionFuseSettings()
            try table.read("users", into: &fuse.users) { try $0.integer(0...1_000_000) }
            try table.read("share", into: &fuse.share) { try $0.number(0...1) }
            return fuse
        }
    }

    /// How dbwatch checks, and what master alone has to know: when users move.
    fileprivate func databaseCheck() throws -> (check: DatabaseCheckSettings, moveAfter: Duration) {
        try table { table in
            var (check, moveAfter) = (DatabaseCheckSettings(), Configuration().moveAfter)
            try table.read("interval", into: &check.interval) { try $0.span() }
            try table.read("timeout", into: &check.timeout) { try $0.span() }
            try table.read("fall", into: &check.fall) { try $0.integer(1...1000) }
            try table.read("rise", into: &check.rise) { try $0.integer(1...1000) }
            try table.read("writable", into: &check.writable) { try $0.boolean() }
            try table.read("login_interval", into: &check.loginInterval) { try $0.span() }
            try table.read("move_after", into: &moveAfter) { try $0.duration() }
            return (check, moveAfter)
        }
    }
}
