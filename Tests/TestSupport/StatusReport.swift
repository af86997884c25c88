// What `steward status --json` says.

import Foundation

public struct StatusReport: Codable, Sendable {
    public struct Master: Codable, Sendable {
        public let pid: Int32
        public let version: String
        public let since: String
        public let adopted: Int
    }

    public struct Watcher: Codable, Sendable {
        public let name: String
        public let pid: Int32?
        public let state: String
        public let restarts: Int
    }

    public struct Database: Codable, Sendable {
        public let name: String
        public let group: String?
        public let state: String
        public let cause: String?
        public let since: String?
        public let latencyMs: Double?
        public let role: String?
    }

    public struct User: Codable, Sendable {
        public let name: String
        public let plan: String
        public let state: String
        public let pid: Int32?
        public let since: String?
        public let database: String?
        public let package: String?
        public let restarts: Int
        public let lastExit: String?
        public let reason: String?
        public let health: String?
        public let latencyMs: Double?

        public var isReady: Bool { state == "ready" }

        /// What `steward status USER --json` says.
        public init(json: String) throws {
            self = try StatusReport.decoder.decode(User.self, from: Data(json.utf8))
        }
    }

    /// A user whose deletion is held back.
    public struct Deletion: Codable, Sendable {
        public let name: String
        public let since: String
        public let why: String
    }

    public let master: Master
    public let watchers: [Watcher]
    public let databases: [Database]
    public let users: [User]
    public let pendingDeletion: [Deletion]
    /// What the operator has to do about the configuration file.
    public let configuration: String?

    public init(json: String) throws {
        self = try Self.decoder.decode(StatusReport.self, from: Data(json.utf8))
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }

    public func user(_ name: String) -> User? { users.first { $0.name == name } }
    public func watcher(_ name: String) -> Watcher? { watchers.first { $0.name == name } }
    public func database(_ name: String) -> Database? { databases.first { $0.name == name } }

    /// The pid of each user's process, as far as it has one.
    public var pids: [String: Int32] {
        Dictionary(users.compactMap { user in user.pid.map { (user.name, $0) } }) { first, _ in first }
    }

    /// Every process that the status names.
    public var processes: [Int32] { [master.pid] + watchers.compactMap(\.pid) + users.compactMap(\.pid) }

    /// The states in a few lines, for the message of a failed test.
    public var summary: String {
        let watchers = watchers.map { "\($0.name) \($0.state) \($0.pid.map(String.init) ?? "-")" }
        let databases = databases.map { "\($0.name) \($0.state) \($0.cause ?? "")" }
        let users = users.map {
            "\($0.name) \($0.state) \($0.pid.map(String.init) ?? "-") \($0.reason ?? "") \($0.health ?? "") "
                + "restarts \($0.restarts) \($0.lastExit ?? "")"
        }
        return (watchers + databases + users).joined(separator: "\n")
    }
}
