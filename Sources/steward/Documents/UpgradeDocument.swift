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

/// The users that an upgrade would change.
struct ForecastDocument: Encodable {
    let version: String
    /// In the order of their turns; then the users that are not changed.
    let users: [User]

    init(_ forecast: UpgradeForecast) {
        version = forecast.version
        users = forecast.users.map(User.init)
    }

    struct User: Encodable {
        let name: String
        let plan: String
        /// What it has now.
        @Nullable var version: String?
        let canary: Bool
        /// Why it would not be changed; null for one that would.
        @Nullable var stays: String?

        init(_ user: UserPreview) {
            name = user.name.text
            plan = "\(user.plan)"
            version = user.version
            canary = user.isCanary
            stays = user.stay.map { "\($0)" }
        }
    }
}
