// What `steward status --json` says.

import Foundation

package struct StatusReport: Codable, Sendable {
    package struct Master: Codable, Sendable {
        package let pid: Int32
        package let version: String
        package let since: String
        package let adopted: Int
    }

    package struct Watcher: Codable, Sendable {
        package let name: String
        package let pid: Int32?
        package let state: String
        package let restarts: Int
    }

    package struct Database: Codable, Sendable {
        package let name: String
        package let group: String?
        package let state: String
        package let cause: String?
        package let since: String?
        package let latencyMs: Double?
        package let role: String?
    }

    package struct User: Codable, Sendable {
        package let name: String
        package let plan: String
        package let state: String
        package let pid: Int32?
        package let since: String?
        package let database: String?
        package let package: String?
        package let restarts: Int
        package let lastExit: String?
        package let reason: String?
        package let health: String?
        package let latencyMs: Double?

        package var isReady: Bool { state == "ready" }

        /// What `steward status USER --json` says.
        package init(json: String) throws {
            self = try StatusReport.decoder.decode(User.self, from: Data(json.utf8))
        }
    }

    package struct Upgrade: Codable, Sendable {
        package let target: String
        package let state: String
        package let reason: String?
        package let total: Int
        package let changed: Int
        package let underway: Int
        package let failed: Int
    }

    package struct Package: Codable, Sendable {
        package let version: String
        package let current: Bool
        package let inForce: Bool
        package let users: Int
        package let trouble: String?
        package let held: String?
    }

    /// A user whose deletion is held back.
    package struct Deletion: Codable, Sendable {
        package let name: String
        package let since: String
        package let why: String
    }

    /// What is wrong with a folder that is no user yet.
    package struct Fault: Codable, Sendable {
        package let name: String
        package let text: String
    }

    package let master: Master
    package let watchers: [Watcher]
    package let databases: [Database]
    package let users: [User]
    package let pendingDeletion: [Deletion]
    package let upgrade: Upgrade?
    package let packages: [Package]
    package let faults: [Fault]
    package let packageTroubles: [String]
    /// What the operator has to do about the configuration file.
    package let configuration: String?

    package init(json: String) throws {
        self = try Self.decoder.decode(StatusReport.self, from: Data(json.utf8))
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }

    package func user(_ name: String) -> User? { users.first { $0.name == name } }
    package func watcher(_ name: String) -> Watcher? { watchers.first { $0.name == name } }
    package func package(_ version: String) -> Package? { packages.first { $0.version == version } }
    package func database(_ name: String) -> Database? { databases.first { $0.name == name } }

    /// The pid of each user's process, as far as it has one.
    package var pids: [String: Int32] {
        Dictionary(users.compactMap { user in user.pid.map { (user.name, $0) } }) { first, _ in first }
    }

    /// Every process that the status names.
    package var processes: [Int32] { [master.pid] + watchers.compactMap(\.pid) + users.compactMap(\.pid) }

    /// The states in a few lines, for the message of a failed test.
    package var summary: String {
        let watchers = watchers.map { "\($0.name) \($0.state) \($0.pid.map(String.init) ?? "-")" }
        let databases = databases.map { "\($0.name) \($0.state) \($0.cause ?? "")" }
        let users = users.map {
            "\($0.name) \($0.state) \($0.pid.map(String.init) ?? "-") \($0.reason ?? "") \($0.health ?? "") "
                + "restarts \($0.restarts) \($0.lastExit ?? "")"
        }
        return (watchers + databases + users).joined(separator: "\n")
    }
}
