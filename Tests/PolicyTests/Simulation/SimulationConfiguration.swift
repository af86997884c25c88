// The simulated operator edits steward.yaml.

import Shared

@testable import Policy

extension Simulation {
    /// One change, or a few at a time.
    func changeConfiguration() {
        for _ in 0...roll(3) { edit() }
        allowance = max(supervisor.starting.count, supervisor.moves.underway.count)
        send(.configure(configuration, isConfirmed: roll(2) == 0))
        wasTrusted = wasTrusted || isTrusted
    }

    /// Settings with which all users can run are in force, or on their way.
    func mendConfiguration() {
        configuration.worker.env["SETTINGS"] = nil
        send(.configure(configuration, isConfirmed: true))
        send(.upgrade(.resume))
    }

    private func edit() {
        switch roll(13) {
        case 0: configuration.worker.env["VERSION"] = "\(roll(3))"
        case 1: configuration.worker.swap = configuration.worker.swap == .overlap ? .stopFirst : .overlap
        case 2: configuration.worker.startConcurrency = roll(3) + 1
        case 3: configuration.worker.check.path = ["", "/healthz", "/ping"][roll(3)]
        case 4: configuration.worker.heartbeat = roll(2) == 0 ? .zero : .seconds(30)
        case 5: configuration.worker.readyTimeout = .seconds(10 + roll(10))
        case 6: configuration.databaseCheck.timeout = .seconds(1 + roll(3))
        case 7: configuration.deletionFuse.users = roll(6)
        case 8: configuration.runAs = roll(2) == 0 ? nil : "www"
        case 9: editUpgrade()
        case 10: configuration.logs = "/var/log/\(roll(2))"
        case 11: configuration.worker.env["SETTINGS"] = ["dies", "hangs", nil][roll(3)]
        default: editDatabases()
        }
    }

    private func editUpgrade() {
        switch roll(4) {
        case 0: configuration.upgrade.free = [.stay, .onRestart, .follow][roll(3)]
        case 1: configuration.upgrade.parallel = roll(3) + 1
        case 2: configuration.upgrade.maxFailures = roll(3) + 1
        default: configuration.upgrade.soak = .seconds(roll(8))
        }
    }

    private func editDatabases() {
        switch roll(5) {
        case 0:
            configuration.databases = Self.databases.prefix(roll(3)).map(Self.database)
        case 1:
            configuration.databases = Self.databases.map(Self.database)
        case 2:
            if let index = configuration.databases.indices.last { configuration.databases[index].group = nil }
        default:
            guard let index = configuration.databases.indices.randomElement(using: &chance) else { return }
            let conninfos = ["host=127.0.0.1", "host=127.0.0.2", "host=127.0.0.1 user=steward"]
            configuration.databases[index].conninfo = conninfos[roll(3)]
        }
    }

    static func database(_ name: String) -> DatabaseSettings {
        var database = DatabaseSettings()
        database.name = name
        database.conninfo = "host=127.0.0.1"
        database.group = "main"
        return database
    }

    /// Whether a user.yaml may give this name.
    func isDatabase(_ name: String?) -> Bool {
        let names = configuration.databaseNames
        return name.map { names.isEmpty || names.contains($0) } ?? true
    }
}
