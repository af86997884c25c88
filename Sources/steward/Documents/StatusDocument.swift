// The JSON form of a status: names that scripts rely on. No I/O.

import Shared
import SharedSystem

struct StatusDocument: Encodable {
    let master: Master
    let watchers: [Watcher]
    let databases: [Database]
    let packages: [Package]
    let users: [User]
    let pendingDeletion: [Deletion]
    /// Folders that are no users yet.
    let faults: [Fault]
    /// What is wrong with the packages' folder as a whole, or with its link.
    let packageTroubles: [String]
    /// The one on its way.
    @Nullable var upgrade: Upgrade?
    /// What the operator has to do about the configuration file.
    @Nullable var configuration: String?

    /// - Parameter now: the wall clock, in milliseconds since 1970.
    init(_ snapshot: Snapshot, now: Int64) {
        master = Master(snapshot.master)
        watchers = snapshot.watchers.map(Watcher.init)
        databases = snapshot.databases.map(Database.init)
        packages = snapshot.packages.map(Package.init)
        users = snapshot.users.map(User.init)
        pendingDeletion = snapshot.pendingDeletions.map(Deletion.init)
        faults = snapshot.faults.map(Fault.init)
        packageTroubles = snapshot.packageTroubles
        upgrade = snapshot.upgrade.map { Upgrade($0, now: now) }
        configuration = snapshot.master.configuration
    }

    struct Master: Encodable {
        let pid: Int32
        let version: String
        let since: String
        let adopted: Int

        init(_ status: MasterStatus) {
            pid = status.pid
            version = status.version
            since = rfc3339(status.since)
            adopted = status.adopted
        }
    }

    struct Watcher: Encodable {
        let name: String
        @Nullable var pid: Int32?
        let state: String
        let restarts: Int

        init(_ status: WatcherStatus) {
            name = status.name
            pid = status.pid
            state = status.state
            restarts = status.restarts
        }
    }

    struct Database: Encodable {
        let name: String
        @Nullable var group: String?
        let state: String
        @Nullable var cause: String?
        let since: String
        @Nullable var latencyMs: Double?
        @Nullable var role: String?
        let users: Int
        let moving: Int
        @Nullable var lastChange: String?
        /// What it was before its last change.
        @Nullable var before: String?
        /// dbwatch is away: this is what was last known.
        let old: Bool

        init(_ status: DatabaseStatus) {
            name = status.report.name
            group = status.group
            state = status.state
            cause = status.report.cause
            since = rfc3339(status.since)
            latencyMs = status.report.latency
            role = status.report.role
            users = status.users
            moving = status.moving
            lastChange = status.before.map { _ in rfc3339(status.changedAt) }
            before = status.before
            old = status.isOld
        }
    }

    /// A user whose deletion is held back.
    struct Deletion: Encodable {
        let name: String
        let since: String
        let why: String

        init(_ deletion: PendingDeletion) {
            name = deletion.name.text
            since = rfc3339(deletion.since)
            why = deletion.why
        }
    }

    /// What is wrong with a folder that is no user yet.
    struct Fault: Encodable {
        let name: String
        let text: String

        init(_ fault: UserFault) {
            name = fault.name.text
            text = fault.text
        }
    }

    struct User: Encodable {
        let name: String
        let plan: String
        let state: String
        @Nullable var pid: Int32?
        let generation: UInt64
        let since: String
        @Nullable var database: String?
        @Nullable var package: String?
        let restarts: Int
        @Nullable var lastExit: String?
        @Nullable var reason: String?
        @Nullable var health: String?
        @Nullable var latencyMs: Double?

        init(_ status: UserStatus) {
            name = status.name.text
            plan = "\(status.plan)"
            state = status.state
            pid = status.pid
            generation = status.generation
            since = rfc3339(status.since)
            database = status.database
            package = status.package
            restarts = status.restarts
            lastExit = status.lastExit
            reason = status.reason
            health = status.health
            latencyMs = status.latency
        }
    }
}
