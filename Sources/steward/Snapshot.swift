// All of master's status at one moment, as a table or as JSON.

import FoundationEssentials
import Shared

struct Snapshot {
    var master = MasterStatus()
    var watchers: [WatcherStatus] = []
    var databases: [DatabaseStatus] = []
    var users: [UserStatus] = []
    var packages: [PackageStatus] = []
    var pendingDeletions: [PendingDeletion] = []
    /// What is worth a line beside the tables.
    var notes: [String] = []

    init(_ connection: ControlConnection) throws {
        try connection.ask(.status) { answer in
            switch answer {
            case .master(let status): master = status
            case .watcher(let status): watchers.append(status)
            case .database(let status): databases.append(status)
            case .user(let status): users.append(status)
            case .package(let status): packages.append(status)
            case .pendingDeletion(let deletion): pendingDeletions.append(deletion)
            case .line(let line): notes.append(line.text)
            case .done, .refused, .event: break
            }
        }
    }

    /// - Throws: `Failure` where there is no such user.
    func user(_ name: UserName) throws -> UserStatus {
        guard let user = users.first(where: { $0.name == name }) else { throw Failure("no user \(name)", code: 1) }
        return user
    }

    // MARK: table

    func lines(now: Int64) -> [String] {
        let age = Self.age(master.since, now)
        var lines = ["master \(master.version), pid \(master.pid), up \(age)", ""]
        lines += Self.table(
            ["WATCHER", "STATE", "PID", "RESTARTS"],
            watchers.map { [$0.name, $0.state, Self.text($0.pid), "\($0.restarts)"] })
        if !databases.isEmpty {
            lines += [""] + Self.databaseLines(databases, now: now)
        }
        if !packages.isEmpty { lines += [""] + packageLines }
        return lines + [""] + userLines(users, now: now) + deletionLines(now: now)
            + [master.configuration].compactMap(\.self) + notes
    }

    private var packageLines: [String] {
        Self.table(
            ["VERSION", "USERS", "STATE"],
            packages.map { [$0.version, "\($0.users)", $0.trouble ?? ($0.isCurrent ? "in force" : "")] })
    }

    static func databaseLines(_ databases: [DatabaseStatus], now: Int64) -> [String] {
        guard !databases.isEmpty else { return ["no databases"] }
        return table(
            ["DATABASE", "GROUP", "STATE", "USERS", "SINCE", "LATENCY", "ROLE", "LAST CHANGE", "CAUSE"],
            databases.map { status in
                [
                    status.report.name, status.group ?? "-", "\(status.state)\(status.isOld ? " (old)" : "")",
                    "\(status.users)\(status.moving > 0 ? " (\(status.moving) moving)" : "")",
                    age(status.since, now), latency(status.report.latency), status.report.role ?? "-",
                    status.before.map { "\(age(status.changedAt, now)) ago, from \($0)" } ?? "-",
                    status.report.cause ?? "",
                ]
            })
    }

    func userLines(_ users: [UserStatus], now: Int64) -> [String] {
        guard !users.isEmpty else { return ["no users"] }
        return Self.table(
            [
                "USER", "PLAN", "STATE", "PID", "SINCE", "DATABASE", "VERSION", "RESTARTS", "HEALTH", "LATENCY",
                "REASON",
            ],
            users.map { user in
                [
                    user.name.text, "\(user.plan)", user.state, Self.text(user.pid), Self.age(user.since, now),
                    user.database ?? "-", user.package ?? "-", "\(user.restarts)", user.health ?? "-",
                    Self.latency(user.latency), user.reason ?? "",
                ]
            })
    }

    /// One line for all that were held back for one reason.
    private func deletionLines(now: Int64) -> [String] {
        Dictionary(grouping: pendingDeletions, by: \.why).sorted { $0.key < $1.key }.map { why, deletions in
            let names = deletions.prefix(5).map(\.name.text).joined(separator: ", ")
            let more = deletions.count > 5 ? " and \(deletions.count - 5) more" : ""
            let age = Self.age(deletions.map(\.since).min() ?? now, now)
            return "deletion held back for \(age), until `steward confirm-delete`: \(names)\(more): \(why)"
        }
    }

    /// Columns as wide as their widest cell; the last one is not padded.
    static func table(_ header: [String], _ rows: [[String]]) -> [String] {
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        return ([header] + rows).map { row in
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: max(0, width - cell.count))
            }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
    }

    private static func text(_ pid: Int32?) -> String { pid.map(String.init) ?? "-" }

    private static func latency(_ milliseconds: Double?) -> String {
        milliseconds.map { "\(($0 * 10).rounded() / 10) ms" } ?? "-"
    }

    /// How long ago, in its two largest units.
    static func age(_ since: Int64, _ now: Int64) -> String {
        let seconds = max(0, (now - since) / 1000)
        return switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m\(seconds % 60)s"
        case ..<86400: "\(seconds / 3600)h\(seconds % 3600 / 60)m"
        default: "\(seconds / 86400)d\(seconds % 86400 / 3600)h"
        }
    }

    // MARK: JSON

    func json() throws -> String {
        try Self.encode(
            StatusDocument(
                master: StatusDocument.Master(master), watchers: watchers.map(StatusDocument.Watcher.init),
                databases: databases.map(StatusDocument.Database.init),
                packages: packages.map(StatusDocument.Package.init), users: users.map(StatusDocument.User.init),
                pendingDeletion: pendingDeletions.map(StatusDocument.Deletion.init),
                configuration: Nullable(wrappedValue: master.configuration)))
    }

    func json(_ user: UserStatus) throws -> String {
        try Self.encode(StatusDocument.User(user))
    }

    static func json(_ databases: [DatabaseStatus]) throws -> String {
        try encode(databases.map(StatusDocument.Database.init))
    }

    private static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
