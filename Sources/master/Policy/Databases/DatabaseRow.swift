// A database as master knows it: what dbwatch has reported, and what it counts as. Pure.

import Shared

package struct DatabaseRow: Equatable, Sendable {
    /// What it counts as, with the cause.
    struct Standing: Equatable, Sendable, CustomStringConvertible {
        var state = DatabaseState.unknown
        var cause: String?
        var isDrained = false

        var description: String {
            let state = isDrained ? "drained" : "\(state)"
            return cause.map { "\(state): \($0)" } ?? state
        }
    }

    package private(set) var settings: DatabaseSettings
    /// Where it lies (`ConnectionInfo.place`).
    let place: UInt64
    /// What its users' workers get of it; kept, as plans are compared often.
    let environment: [String: String]
    private(set) var report: DatabaseReport
    /// Generation of the dbwatch that sent it; nil before the first one.
    var reporter: UInt64?
    private(set) var flapping = Flapping()
    /// The operator wants nobody on it.
    package var isDrained = false
    /// It has been unavailable for so long that its users leave for other members of its group.
    var isLeft = false
    /// Since when it is in its state.
    var since = Instant(nanoseconds: 0)
    /// The standing before the last change, and when that was.
    var before: Standing?
    var changedAt = Instant(nanoseconds: 0)
    /// How many users work on it.
    package var users = 0
    /// The server's max_connections, where it is known.
    private(set) var maxConnections: Int?
    /// Processes whose connections are new: they start, or wait for the check that lets them back.
    var arriving: Set<WorkerID> = []

    init(settings: DatabaseSettings) {
        self.settings = settings
        let info = ConnectionInfo(settings.conninfo)
        (place, environment) = (info.place, info.environment)
        report = DatabaseReport()
        report.name = settings.name
    }

    /// A database without a group is its own.
    var group: String { settings.group ?? settings.name }

    /// What it counts as: while it flaps it is unavailable, whatever the last report says.
    var state: DatabaseState { flapping.isDamped ? .unavailable : report.state }

    var cause: String? {
        guard flapping.isDamped else { return report.cause }
        return "flapping: more than \(Flapping.mostChanges) changes in a minute"
    }

    var standing: Standing { Standing(state: state, cause: cause, isDrained: isDrained) }

    /// Whether another process may arrive: with the new connections of a crowd, a third of the server's is left for those
    /// who have arrived, its operator and dbwatch.
    var hasRoom: Bool {
        guard let maxConnections else { return true }
        return arriving.count < max(1, maxConnections * 2 / 3)
    }

    /// Whether users may be sent here from another member of the group.
    var isUsable: Bool { state == .available && !isDrained }

    /// How little it is worth to a user who is to be put somewhere: less is better.
    var rank: Int {
        switch state {
        case .available, .unknown: isDrained ? 1 : 0
        case .unavailable: 2
        }
    }

    mutating func receive(_ new: DatabaseReport, _ now: Instant) {
        switch (report.state, new.state) {
        case (.available, .unavailable), (.unavailable, .available): flapping.changed(now)
        case (.unknown, _), (_, .unknown), (.available, .available), (.unavailable, .unavailable): break
        }
        report = new
        maxConnections = new.maxConnections ?? maxConnections
    }

    /// Takes over changed settings. What is known of another server, or of another login, is known no longer.
    ///
    /// - Returns: whether a first word has to come again.
    mutating func change(_ new: DatabaseSettings, _ now: Instant) -> Bool {
        let isOther = new.conninfo != settings.conninfo
        if isOther {
            let (users, isDrained) = (users, isDrained)
            self = DatabaseRow(settings: new)
            (self.users, self.isDrained, since) = (users, isDrained, now)
        }
        settings = new
        return isOther
    }

    mutating func calmed() {
        flapping.calmed()
    }
}
