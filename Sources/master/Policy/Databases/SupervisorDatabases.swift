// The databases as dbwatch reports them, and which user works on which.

import Shared

extension Supervisor {
    mutating func databaseReport(_ report: DatabaseReport) {
        guard let row = databases[report.name] else { return }
        databases[report.name]?.reporter = watchers[.dbwatch]?.generation
        changeDatabase(report.name) { $0.receive(report, $1) }
        guard let damped = databases[report.name], damped.flapping.isDamped else { return }
        // It has to be available without a break.
        if row.report.state != report.state { timers.cancel(.calm(report.name)) }
        if report.state == .available, !timers.isSet(.calm(report.name)) {
            timers.set(.calm(report.name), at: now + Flapping.calm)
        }
    }

    mutating func databaseCalmed(_ name: String) {
        changeDatabase(name) { row, _ in row.calmed() }
    }

    /// Changes a row of the table, and does what follows from the change for its users.
    mutating func changeDatabase(_ name: String, _ body: (inout DatabaseRow, Instant) -> Void) {
        guard var row = databases[name] else { return }
        let (before, wasDamped) = (row.standing, row.flapping.isDamped)
        body(&row, now)
        let after = row.standing
        let hasTurned = before.state != after.state
        if hasTurned || before.isDrained != after.isDrained { row.since = now }
        if before != after { (row.before, row.changedAt) = (before, now) }
        if row.state != .unavailable { row.isLeft = false }
        databases[name] = row
        guard before != after else { return }
        // One alert for the event; that the cause is another one now is none, nor is what the operator has prepared for.
        let isLost = hasTurned && after.state == .unavailable || row.flapping.isDamped && !wasDamped
        let weight = isLost && !row.isDrained ? Happening.Weight.warning : .routine
        note("\(after) (\(row.users) users)", rule: "database", subject: name, weight: weight)
        if hasTurned { databaseTurned(name, after.state) }
        if row.isUsable { relieve(name) } else if row.isDrained { evacuate(name) }
    }

    private mutating func databaseTurned(_ name: String, _ state: DatabaseState) {
        switch state {
        case .unavailable: timers.set(.move(name), at: now + configuration.moveAfter)
        case .available, .unknown: timers.cancel(.move(name))
        }
        for user in users.keys.sorted() where users[user]?.database == name {
            update(user) { $0.reconcile(&$1) }
        }
    }

    // MARK: arrivals

    func hasRoom(_ database: String?) -> Bool { database.flatMap { databases[$0]?.hasRoom } ?? true }

    /// The connections of this process are new until it has `arrived`.
    mutating func arrives(_ process: Process) {
        if let name = process.plan.database { databases[name]?.arriving.insert(process.id) }
    }

    mutating func arrived(_ process: Process) {
        if let name = process.plan.database { databases[name]?.arriving.remove(process.id) }
    }

    /// Lets users back whose workers ran on while their database was away.
    mutating func admitReturns() {
        while let name = returnQueue.first(where: hasRoom) {
            returnQueue.remove(name)
            update(name) { supervisor, user in
                guard case .ready(let process) = user.actual, process.plan.database == user.database,
                    user.face?.standIn != nil, supervisor.wanted(user) == .up
                else { return }
                supervisor.awaitPass(&user, process)
            }
        }
    }

    // MARK: who works where

    /// Chooses the database of a user. A present one in the group that the user may work on stays, unless the user has
    /// come to name another that is as good.
    mutating func assignDatabase(_ user: inout User, isNewWish: Bool = false) {
        let wish = user.settings.database
        if let present = user.database {
            let isWished = !isNewWish || wish == present || wish.flatMap { databases[$0] } == nil
            if members(of: wish).contains(present), isWished || rank(wish) > rank(present) { return }
        }
        place(&user, on: members(of: wish).min { load($0, wish) < load($1, wish) })
    }

    /// Finds the database of a user among those of another configuration. Whose wish names nothing any more stays where
    /// it is, or with the group of the database that it had; elsewhere there would be other data.
    mutating func assignAgain(_ user: inout User, _ former: [String: DatabaseRow]) {
        if let wish = user.settings.database, databases[wish] == nil, groups[wish] == nil {
            if let present = user.database, databases[present] != nil { return }
            let group = user.database.flatMap { former[$0]?.group }
            place(&user, on: groups[group ?? "", default: []].min { load($0, wish) < load($1, wish) })
        } else {
            assignDatabase(&user)
        }
    }

    /// Counts the user on this database from now on.
    mutating func place(_ user: inout User, on database: String?) {
        leaveDatabase(user)
        user.database = database
        if let database { databases[database]?.users += 1 }
    }

    mutating func leaveDatabase(_ user: User) {
        if let name = user.database { databases[name]?.users -= 1 }
    }

    /// Where a user with this wish may work: the members of the group that it names, or that the database belongs to
    /// which it names; everywhere without a wish.
    private func members(of wish: String?) -> [String] {
        guard let wish else { return databases.keys.sorted() }
        return groups[databases[wish]?.group ?? wish, default: []]
    }

    private func rank(_ name: String?) -> Int { name.flatMap { databases[$0]?.rank } ?? 3 }

    /// The less, the better: first one that works, then the one that the user names, then one with few users.
    func load(_ name: String, _ wish: String?) -> (rank: Int, isOther: Int, users: Int) {
        (rank(name), name == wish ? 0 : 1, databases[name]?.users ?? 0)
    }
}
