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
            + [master.configuration].compactMap(\.self) + packageTroubles + faults.map(\.shown)
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
            let names = deletions.map(\.name.text).listed(atMost: 5)
            let age = Table.age(deletions.map(\.since).min() ?? now, now)
            return "deletion held back for \(age), until `steward confirm-delete`: \(names): \(why)"
        }
    }
}

extension DatabaseStatus {
    var state: String { isDrained ? "drained" : "\(report.state)" }
}

extension UserFault {
    /// One line about a folder that is no user.
    var shown: String { "\(name) is no user yet: \(text)" }
}

extension StrandedUsers {
    /// One line after a drain.
    var shown: String { "no other member of its group is available: its \(users) users stay for the time being" }
}
