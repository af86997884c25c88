// What a user's worker is started with: a pure function of configuration, settings, version and database.

import Shared

/// Where a listening socket of a user lies.
package func socketPath(_ socket: SocketID, runtime: String) -> String {
    "\(runtime)/sockets/\(socket)"
}

extension Supervisor {
    /// Where the user's database lies; 0 for none.
    func place(_ user: User) -> UInt64 { user.database.flatMap { databases[$0]?.place } ?? 0 }

    func plan(for user: User) -> WorkerPlan {
        let settings = user.settings
        let general = planSettings(user)
        let package = packages.manifest(of: user.version)
        var plan = WorkerPlan()
        plan.folder = package?.folder ?? settings.folder
        plan.version = package?.version
        plan.limits = limits(user)
        plan.runAs = settings.runAs ?? general.runAs
        plan.start = settings.start
        plan.database = user.database
        plan.place = place(user)
        plan.command =
            settings.start != 0
            ? ["\(settings.folder)/start"]
            : (settings.command ?? package?.command ?? general.command)
                .map { expand($0, settings, package) }
        plan.env = environment(settings, general.env, user.database)
        plan.env["STEWARD_PACKAGE"] = package?.folder
        return plan
    }

    func limits(_ user: User) -> LimitSettings {
        var general = planSettings(user).limits
        general.memory = configuration.worker.limits.memory
        return user.settings.limits.applied(to: general)
    }

    private func expand(_ word: String, _ settings: UserSettings, _ package: PackageManifest?) -> String {
        guard word.utf8.contains(UInt8(ascii: "{")) else { return word }
        let named = Self.replace("{user}", in: word, with: settings.name.text)
        let placed = Self.replace("{folder}", in: named, with: settings.folder)
        return package.map { Self.replace("{package}", in: placed, with: $0.folder) } ?? placed
    }

    private static func replace(_ mark: String, in word: String, with text: String) -> String {
        var result = ""
        var rest = Substring(word)
        while let found = rest.firstRange(of: mark) {
            result += rest[..<found.lowerBound] + text
            rest = rest[found.upperBound...]
        }
        return result + rest
    }

    /// A clean environment: nothing of master's own reaches a worker.
    private func environment(
        _ settings: UserSettings, _ general: [String: String], _ database: String?
    ) -> [String: String] {
        var env = general.merging(settings.env) { _, own in own }
        env["PATH"] = env["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        env["LANG"] = env["LANG"] ?? "C.UTF-8"
        env["STEWARD_USER"] = settings.name.text
        env["STEWARD_RUNTIME"] = configuration.runtime
        env["NOTIFY_SOCKET"] = "\(configuration.runtime)/notify"
        env["LISTEN_FDS"] = "1"
        env["LISTEN_FDNAMES"] = "http"
        guard let database, let row = databases[database] else { return env }
        env["STEWARD_DATABASE"] = database
        return env.merging(row.environment) { own, _ in own }
    }
}
