// The JSON form of an upgrade and of the versions of the application. No I/O.

import Shared
import SharedSystem

extension StatusDocument {
    struct Upgrade: Encodable {
        let target: String
        let state: String
        @Nullable var reason: String?
        let since: String
        let total: Int
        let changed: Int
        let underway: Int
        let failed: Int
        @Nullable var perMinute: Double?
        @Nullable var secondsLeft: Int?

        init(_ status: UpgradeStatus, now: Int64) {
            target = status.target
            state = status.state
            reason = status.reason
            since = rfc3339(status.since)
            total = status.total
            changed = status.changed
            underway = status.underway
            failed = status.failed
            let pace = Pace(status, now: now)
            perMinute = pace?.perMinute
            secondsLeft = pace?.secondsLeft
        }
    }

    struct Package: Encodable {
        let version: String
        let current: Bool
        let inForce: Bool
        let users: Int
        @Nullable var trouble: String?
        @Nullable var held: String?

        init(_ status: PackageStatus) {
            version = status.version
            current = status.isCurrent
            inForce = status.isInForce
            users = status.users
            trouble = status.trouble
            held = status.held
        }
    }
}
