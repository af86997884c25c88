// The databases: what dbwatch reports of them, how many users each has, and when its users are to leave.
//
// The members of a group hold the same data. A user names a group, a member (a preference within the group) or nothing.
// A choice that has been made stays as long as it works. The table knows users by their number only.

import Shared

package struct DatabaseTable {
    /// What a row counts as now, after a report or an order.
    struct Change {
        let name: String
        let after: DatabaseRow.Standing
        /// Whether it is another state than before.
        let hasTurned: Bool
        /// Whether it is one event to be told as a warning.
        let isAlert: Bool
        let users: Int
    }

    private(set) var rows: [String: DatabaseRow] = [:]
    /// Databases that the operator has drained: a name that is not configured now is remembered for its return.
    private(set) var drained: Set<String>
    /// The members of each group, in the order of their names.
    private(set) var groups: [String: [String]] = [:]
    /// Until then a database without a word is waited for; nil before the boot.
    private var knownBy: Instant?
    /// The end of that wait is still to be told.
    private var isAwaited = false
    /// The earliest of the rows' deadlines: looked for when a row has changed, not at each step.
    private var rowDeadline: (at: Instant, name: String)?
    private var moveAfter: Duration

    init(_ configuration: Configuration, drained: Set<String>) {
        moveAfter = configuration.moveAfter
        self.drained = drained
        for database in configuration.databases {
            rows[database.name] = DatabaseRow(settings: database, isDrained: drained.contains(database.name))
        }
        group()
    }

    package subscript(name: String) -> DatabaseRow? { rows[name] }
    var isEmpty: Bool { rows.isEmpty }
    /// In the order of their names.
    var names: [String] { rows.keys.sorted() }

    private mutating func group() {
        groups = Dictionary(grouping: rows.values, by: \.group).mapValues { $0.map(\.settings.name).sorted() }
    }

    // MARK: deadlines

    enum Due {
        /// Databases without a word are taken as available from now on.
        case known
        /// The users of this database are to leave it.
        case leave(String)
        case calmed(Change?)
    }

    var deadline: Instant? { [isAwaited ? knownBy : nil, rowDeadline?.at].compactMap(\.self).min() }

    /// What is due first, of what is due.
    mutating func expire(_ now: Instant) -> Due? {
        guard let first = deadline, first <= now else { return nil }
        if isAwaited, knownBy == first {
            isAwaited = false
            return .known
        }
        guard let name = rowDeadline?.name, let row = rows[name] else { return nil }
        guard row.departure == .at(first) else { return .calmed(change(name, now) { $0.calmed() }) }
        rows[name]?.leave()
        findDeadline()
        return .leave(name)
    }

    private mutating func findDeadline() {
        rowDeadline = rows.values.compactMap { row in
            row.deadline.map { (at: $0, name: row.settings.name) }
        }.min { ($0.at, $0.name) < ($1.at, $1.name) }
    }

    // MARK: reports and orders

    /// - Parameter reporter: generation of the dbwatch that says so.
    /// - Returns: nil where it counts as the same as before.
    mutating func receive(_ report: DatabaseReport, from reporter: UInt64?, _ now: Instant) -> Change? {
        change(report.name, now) { $0.receive(report, from: reporter, now) }
    }

    mutating func drain(_ name: String, _ isDrained: Bool, _ now: Instant) -> Change? {
        guard rows[name] != nil else { return nil }
        if isDrained { drained.insert(name) } else { drained.remove(name) }
        return change(name, now) { $0.drain(isDrained) }
    }

    private mutating func change(_ name: String, _ now: Instant, _ body: (inout DatabaseRow) -> Void) -> Change? {
        guard let row = rows[name] else { return nil }
        let (before, wasDamped) = (row.standing, row.flapping.isDamped)
        var changed = row
        body(&changed)
        changed.turned(from: before, moveAfter: moveAfter, now)
        rows[name] = changed
        findDeadline()
        guard before != changed.standing else { return nil }
        let hasTurned = before.state != changed.state
        // One alert for the event; that the cause is another one now is none, nor is what the operator has prepared for.
        let isLost = hasTurned && changed.state == .unavailable || changed.flapping.isDamped && !wasDamped
        return Change(
            name: name, after: changed.standing, hasTurned: hasTurned, isAlert: isLost && !changed.isDrained,
            users: changed.users)
    }

    // MARK: another configuration

    /// Goes over to these databases. One that is new, or leads to another server, is unknown until it is reported.
    mutating func install(_ configuration: Configuration, _ now: Instant) {
        moveAfter = configuration.moveAfter
        let former = rows
        rows = [:]
        var isWaiting = false
        for settings in configuration.databases {
            let isDrained = drained.contains(settings.name)
            var row = former[settings.name] ?? DatabaseRow(settings: settings, isDrained: isDrained, since: now)
            let isOther = row.change(settings, now) || former[settings.name] == nil
            isWaiting = isWaiting || isOther
            rows[settings.name] = row
        }
        group()
        findDeadline()
        if isWaiting { awaitWords(configuration.databaseCheck, now) }
    }

    /// Databases without a word are waited for, but not for ever.
    mutating func awaitWords(_ check: DatabaseCheckSettings, _ now: Instant) {
        knownBy = now + check.timeout + .seconds(1)
        isAwaited = true
    }

    // MARK: whether a database can be worked on

    /// The one answer to whether users of a database can be served.
    enum Service: Equatable {
        /// - Parameter isInDoubt: a timeout was seen, not yet enough of them.
        case available(isInDoubt: Bool)
        /// No word about it has come yet.
        case awaited(isInDoubt: Bool)
        case unavailable(cause: String)
    }

    /// Nil for a database that is not configured.
    func service(_ name: String?, _ now: Instant) -> Service? {
        guard let row = name.flatMap({ rows[$0] }) else { return nil }
        let isInDoubt = row.report.isInDoubt
        switch row.state {
        case .available: return .available(isInDoubt: isInDoubt)
        case .unavailable: return .unavailable(cause: row.cause ?? "unknown cause")
        case .unknown:
            guard let knownBy, now < knownBy else { return .available(isInDoubt: isInDoubt) }
            return .awaited(isInDoubt: isInDoubt)
        }
    }

    /// The first one with users that is not known to be available.
    var firstAway: String? {
        rows.values.filter { $0.users > 0 && $0.state != .available }.map(\.settings.name).min()
    }

    /// Whether users may be sent to another member of its group.
    func hasAlternative(_ name: String) -> Bool {
        members(of: name).contains { $0 != name && rows[$0]?.isUsable == true }
    }

    /// Whether its users are to leave it, and can.
    func isToBeLeft(_ name: String) -> Bool { rows[name]?.isToBeLeft == true && hasAlternative(name) }

    // MARK: which user works where

    /// The database for a user: a present one that the user may work on stays, unless the user now names another that
    /// is as good.
    ///
    /// - Parameter wish: the database or group that the user names.
    func choice(_ wish: String?, present: String?, isNewWish: Bool = false) -> String? {
        if let present {
            let isWished = !isNewWish || wish == present || wish.flatMap { rows[$0] } == nil
            if members(of: wish).contains(present), isWished || rank(wish) > rank(present) { return present }
        }
        return members(of: wish).min { load($0, wish) < load($1, wish) }
    }

    /// The database for a user after a change of the table. Where the wish names nothing any more the user stays where
    /// it is, or with the group of the database that it had; elsewhere there would be other data.
    func choice(_ wish: String?, present: String?, after former: DatabaseTable) -> String? {
        guard let wish, rows[wish] == nil, groups[wish] == nil else { return choice(wish, present: present) }
        if let present, rows[present] != nil { return present }
        let group = present.flatMap { former.rows[$0]?.group }
        return groups[group ?? "", default: []].min { load($0, wish) < load($1, wish) }
    }

    /// Where a user goes that leaves its database; nil where there is nowhere to go, or no need.
    func destination(_ wish: String?, from present: String, preferring: String?) -> String? {
        let usable = members(of: present).filter { $0 != present && rows[$0]?.isUsable == true }
        if let preferring, usable.contains(preferring) { return preferring }
        guard rows[present]?.isToBeLeft == true else { return nil }
        return usable.min { load($0, wish) < load($1, wish) }
    }

    /// The members of the group that the user names, or that the database belongs to which it names; all without a wish.
    func members(of wish: String?) -> [String] {
        guard let wish else { return names }
        return groups[rows[wish]?.group ?? wish, default: []]
    }

    /// The less, the better: first a database that works, then the user's own choice, then one with few users.
    private func load(_ name: String, _ wish: String?) -> (rank: Int, isOther: Int, users: Int) {
        (rank(name), name == wish ? 0 : 1, rows[name]?.users ?? 0)
    }

    private func rank(_ name: String?) -> Int { name.flatMap { rows[$0]?.rank } ?? 3 }

    /// A user works there from now on; nil: nowhere.
    mutating func move(from former: String?, to next: String?) {
        if let former { rows[former]?.count(-1) }
        if let next { rows[next]?.count(1) }
    }

    // MARK: arrivals

    /// Whether another process may connect to it now.
    func hasRoom(_ name: String?) -> Bool { name.flatMap { rows[$0]?.hasRoom } ?? true }

    mutating func arrival(_ id: WorkerID, on name: String?, isNew: Bool) {
        if let name { rows[name]?.arrival(id, isNew: isNew) }
    }
}
