// The databases as dbwatch reports them, and which user works on which.

import Shared

struct DatabaseRow: Equatable, Sendable {
    let settings: DatabaseSettings
    var report: DatabaseReport
    /// Since when it is in its state.
    var since = Instant(nanoseconds: 0)
    /// How many users work on it.
    var users = 0

    init(settings: DatabaseSettings) {
        self.settings = settings
        report = DatabaseReport()
        report.name = settings.name
    }

    /// A database without a group is its own.
    var group: String { settings.group ?? settings.name }
}

extension Supervisor {
    mutating func databaseReport(_ report: DatabaseReport) {
        guard var row = databases[report.name] else { return }
        let before = row.report
        row.report = report
        if before.state != report.state { row.since = now }
        databases[report.name] = row
        guard before.state != report.state || before.cause != report.cause else { return }
        let text = report.cause.map { "\(report.state): \($0)" } ?? "\(report.state)"
        let weight = report.state == .unavailable ? Happening.Weight.warning : .routine
        note("\(text) (\(row.users) users)", rule: "database", subject: report.name, weight: weight)
        guard before.state != report.state else { return }
        for name in users.keys.sorted() where users[name]?.database == report.name {
            update(name) { $0.reconcile(&$1) }
        }
    }

    /// Chooses the database of a user: the one it names; of a group, or of all, the available one with the fewest
    /// users. A choice that is still allowed stays.
    mutating func assignDatabase(_ user: inout User) {
        let candidates = candidates(user.settings.database)
        if let present = user.database {
            if candidates.contains(present) { return }
            databases[present]?.users -= 1
        }
        user.database = candidates.min { left, right in load(left) < load(right) }
        if let chosen = user.database { databases[chosen]?.users += 1 }
    }

    mutating func leaveDatabase(_ user: User) {
        if let name = user.database { databases[name]?.users -= 1 }
    }

    private func candidates(_ wish: String?) -> [String] {
        guard let wish else { return databases.keys.sorted() }
        if databases[wish] != nil { return [wish] }
        return databases.values.filter { $0.group == wish }.map(\.settings.name).sorted()
    }

    private func load(_ name: String) -> (isDown: Int, users: Int) {
        (databases[name]?.report.state == .unavailable ? 1 : 0, databases[name]?.users ?? 0)
    }
}
