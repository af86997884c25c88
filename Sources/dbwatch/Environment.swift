// The environment that libpq reads: a conninfo alone says how its database is reached.

import Glibc

enum Environment {
    /// Unsets PGHOST, PGPASSWORD and their like. Before any thread starts.
    static func clearPostgreSQL() {
        var names: [String] = []
        var entry = environ
        while let text = entry.pointee {
            names.append(String(cString: text).split(separator: "=").first.map(String.init) ?? "")
            entry += 1
        }
        for name in names where name.hasPrefix("PG") { unsetenv(name) }
    }
}
