// A status as tables for a terminal. No I/O: `now` is the wall clock, in milliseconds since 1970.

import Shared

extension Snapshot {
    func lines(now: Int64) -> [String] {
        let age = Table.age(master.since, now)
        var lines = ["master \(master.version), pid \(master.pid), up \(age)", ""]
        lines += Table.lines(
            ["WATCHER", "STATE", "PID", "RESTARTS"],
            watchers.map { [$0.name, $0.state, Table.pid($0.pid), "\($0.restarts)"] })
        if !databases.isEmpty { lines += [""] + Self.databaseLines(databases, now: now) }
        if !packages.isEmpty { lines += [""] + packageLines }
        lines += upgrade.map { [upgradeLine($0, now: now)] } ?? []
        return lines + [""] + Self.userLines(users, now: now) + deletionLines(now: now)
            + [master.configuration].compactMap(\.self) + notes
    }

    static func databaseLines(_ databases: [DatabaseStatus], now: Int64) -> [String] {
        guard !databases.isEmpty else { return ["no databases"] }
        return Table.lines(
            ["DATABASE", "GROUP", "STATE", "USERS", "SINCE", "LATENCY", "ROLE", "LAST CHANGE", "CAUSE"],
            databases.map { status in
                [
                    status.report.name, status.group ?? "-", "\(status.state)\(status.isOld ? " (old)" : "")",
                    "\(status.users)\(status.moving > 0 ? " (\(status.moving) moving)" : "")",
                    Table.age(status.since, now), Table.latency(status.report.latency), status.report.role ?? "-",
                    status.before.map { "\(Table.age(status.changedAt, now)) ago, from \($0)" } ?? "-",
                    status.report.cause ?? "",
                ]
            })
    }

    static func userLines(_ users: [UserStatus], now: Int64) -> [String] {
        guard !users.isEmpty else { return ["no users"] }
        return Table.lines(
            [
                "USER", "PLAN", "STATE", "PID", "SINCE", "DATABASE", "VERSION", "RESTARTS", "HEALTH", "LATENCY",
                "REASON",
            ],
            users.map { user in
                [
                    user.name.text, "\(user.plan)", user.state, Table.pid(user.pid), Table.age(user.since, now),
                    user.database ?? "-", user.package ?? "-", "\(user.restarts)", user.health ?? "-",
                    Table.latency(user.latency), user.reason ?? "",
                ]
            })
    }

    /// One line for all that were held back for one reason.
    private func deletionLines(now: Int64) -> [String] {
        Dictionary(grouping: pendingDeletions, by: \.why).sorted { $0.key < $1.key }.map { why, deletions in
            let names = deletions.prefix(5).map(\.name.text).joined(separator: ", ")
            let more = deletions.count > 5 ? " and \(deletions.count - 5) more" : ""
            let age = Table.age(deletions.map(\.since).min() ?? now, now)
            return "deletion held back for \(age), until `steward confirm-delete`: \(names)\(more): \(why)"
        }
    }
}

extension DatabaseStatus {
    var state: String { isDrained ? "drained" : "\(report.state)" }
}
