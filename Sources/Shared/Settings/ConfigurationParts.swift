// What pathwatch gets of the configuration.

extension Configuration {
    /// The names that a user.yaml may give as its database: the databases in their order, then the groups.
    public var databaseNames: [String] {
        let names = databases.map(\.name)
        var known = Set(names)
        return names + databases.compactMap(\.group).filter { known.insert($0).inserted }
    }

    /// The orders of pathwatch.
    public var pathSettings: PathSettings {
        var settings = PathSettings()
        settings.users = users
        settings.packages = packages
        settings.databases = databaseNames
        settings.runAs = runAs
        return settings
    }
}
