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

    /// Whether its users move to other members of its group because it has been unavailable.
    enum Departure: Equatable, Sendable {
        case none
        /// They move at that time, unless it is available again. → due, none
        case at(Instant)
        case due
    }

    private(set) var settings: DatabaseSettings
    /// Where it lies (`ConnectionInfo.place`).
    let place: UInt64
    /// What its users' workers get of it; kept, because plans are compared often.
    let environment: [String: String]
    private(set) var report: DatabaseReport
    /// Generation of the dbwatch that sent it; nil before the first one.
    private(set) var reporter: UInt64?
    private(set) var flapping = Flapping()
    /// The operator has taken it out of use.
    package private(set) var isDrained = false
    private(set) var departure = Departure.none
    /// Since when it is in its state.
    private(set) var since = Instant(nanoseconds: 0)
    /// The standing before the last change, and when that was.
    private(set) var before: Standing?
    private(set) var changedAt = Instant(nanoseconds: 0)
    /// How many users work on it.
    package private(set) var users = 0
    /// The server's max_connections, where it is known.
    private(set) var maxConnections: Int?
    /// Processes whose connections are new: they start, or wait for the check that lets them back.
    private(set) var arriving: Set<WorkerID> = []

    init(settings: DatabaseSettings, isDrained: Bool = false, since: Instant = Instant(nanoseconds: 0)) {
        self.settings = settings
        (self.isDrained, self.since) = (isDrained, since)
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

    /// Whether another process may arrive: new connections leave a third of the server's for processes that have
    /// arrived, its operator and dbwatch.
    var hasRoom: Bool {
        guard let maxConnections else { return true }
        return arriving.count < max(1, maxConnections * 2 / 3)
    }

    /// Whether users may be sent here from another member of the group.
    var isUsable: Bool { state == .available && !isDrained }

    /// How little it is worth to a user that needs a database: less is better.
    var rank: Int {
        switch state {
        case .available, .unknown: isDrained ? 1 : 0
        case .unavailable: 2
        }
    }

    /// Whether its users are to go to another member of its group.
    var isToBeLeft: Bool { departure == .due || isDrained }

    /// When something about it is due: `expire`.
    var deadline: Instant? {
        switch departure {
        case .none, .due: flapping.deadline
        case .at(let time): [time, flapping.deadline].compactMap(\.self).min()
        }
    }

    // MARK: what happens to it

    /// - Parameter reporter: generation of the dbwatch that says so.
    mutating func receive(_ new: DatabaseReport, from reporter: UInt64?, _ now: Instant) {
        let former = report.state
        switch (former, new.state) {
        case (.available, .unavailable), (.unavailable, .available): flapping.changed(now)
        case (.unknown, _), (_, .unknown), (.available, .available), (.unavailable, .unavailable): break
        }
        flapping.reported(isAvailable: new.state == .available, hasChanged: former != new.state, now)
        report = new
        self.reporter = reporter
        maxConnections = new.maxConnections ?? maxConnections
    }

    mutating func drain(_ isDrained: Bool) {
        self.isDrained = isDrained
    }

    /// It has been available for long enough to be relied on again.
    mutating func calmed() {
        flapping.calmed()
    }

    /// It has been unavailable for so long that its users leave it.
    mutating func leave() {
        departure = .due
    }

    /// Writes down that it counts as something else than before.
    ///
    /// - Parameter moveAfter: how long its users stay when it is unavailable.
    mutating func turned(from former: Standing, moveAfter: Duration, _ now: Instant) {
        let hasTurned = former.state != state
        if hasTurned || former.isDrained != isDrained { since = now }
        if former != standing { (before, changedAt) = (former, now) }
        if state != .unavailable {
            departure = .none
        } else if hasTurned {
            departure = .at(now + moveAfter)
        }
    }

    /// Takes over changed settings. What is known of another server, or of another login, is known no longer.
    ///
    /// - Returns: whether a first word has to come again.
    mutating func change(_ new: DatabaseSettings, _ now: Instant) -> Bool {
        let isOther = new.conninfo != settings.conninfo
        if isOther {
            let users = users
            self = DatabaseRow(settings: new, isDrained: isDrained, since: now)
            self.users = users
        }
        settings = new
        return isOther
    }

    // MARK: its users

    mutating func count(_ change: Int) {
        users += change
    }

    /// - Parameter isNew: whether the connections of this process are new: it has not arrived yet.
    mutating func arrival(_ id: WorkerID, isNew: Bool) {
        if isNew { arriving.insert(id) } else { arriving.remove(id) }
    }
}
