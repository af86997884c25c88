// What the state of a database means for its users: they are answered by the keeper, return to service, or move to
// another member of its group.
//
// The members of a group are synchronised. A user names a group, or one database, which is then a preference within
// its group. A choice that has been made stays for as long as it works. `DatabaseRow` says what a database counts as.
//
// - Unavailable. The keeper answers its users at once, and one alert tells how many they are. After `move_after` these
//   users move to the available member of the group with the fewest users. If there is none, they wait, with their
//   workers running, for the first member that is available again. A death of a worker meanwhile counts for nothing.
// - Never two writers. Two processes of a user never work on two databases: the old process has ended before the new
//   one starts (`mayStart`). A process whose database does not answer has two seconds to end and is then killed,
//   because its pending work hangs and its user is waiting.
// - Available again. A worker that still runs returns to service with a passed check. A user that needs a start waits
//   in the queue of all starts. Together, returns and starts take at most two thirds of the server's `max_connections`
//   at a time (dbwatch reports the number), paying users first, so that a server that has just started is not filled
//   to the brim. Users waiting for room on one database never delay users of another (`StartQueue`). A process takes
//   room until it is ready, has passed its check, or has ended. Without checks Steward cannot tell when a worker has
//   connected, so it stops counting once its program runs.
// - Moved. Users are not moved back automatically, because each move interrupts service briefly. `steward rebalance`
//   brings users that name a member back to it, and spreads the others with the fewest moves (`Spread`).
// - Drained by the operator, also for the next master (STATE/drained). Its users move as above, but at most
//   `start_concurrency` at a time (`Moves`), because they are served until their turn. A start that fails, or that
//   takes five seconds, makes room for the next move. No new user is placed on a drained database. Users that have no
//   other database to go to stay, and are served.
// - Flapping. From the fourth change in a minute on, a database counts as unavailable until it has been available for
//   30 seconds without a break (`Flapping`). Its cause says so.

import Shared

extension Supervisor {
    mutating func databaseReport(_ report: DatabaseReport) {
        if let change = databases.receive(report, from: watchers[.dbwatch]?.generation, now) { turned(change) }
    }

    mutating func databaseDue() {
        switch databases.expire(now) {
        case .known: reconcileAll()
        case .leave(let name): evacuate(name)
        case .calmed(let change?): turned(change)
        case .calmed(nil), nil: break
        }
    }

    private mutating func turned(_ change: DatabaseTable.Change) {
        let weight = change.isAlert ? Happening.Weight.warning : .routine
        out.note("\(change.after) (\(change.users) users)", rule: "database", subject: change.name, weight: weight)
        if change.hasTurned {
            for name in users.keys.sorted() where users[name]?.database == change.name {
                advance(name) { $0.reconcile(&$1, &$2) }
            }
        }
        if databases[change.name]?.isUsable == true {
            relieve(change.name)
        } else if change.after.isDrained {
            evacuate(change.name)
        }
    }

    /// Users may be sent to this database: users that wait for it move here.
    private mutating func relieve(_ name: String) {
        for member in databases.members(of: name) where member != name { evacuate(member) }
    }

    /// Sends the users of a database away, if it is to be left and there is somewhere to go; else they stay.
    mutating func evacuate(_ name: String) {
        guard !isStopping, databases.isToBeLeft(name), let row = databases[name] else { return }
        let isServing = row.state != .unavailable
        let leaving = users.values.filter { user in
            user.database == name && !user.isDeleted && !(isServing && moves.waits(user.name))
        }
        guard !leaving.isEmpty else { return }
        out.note("\(leaving.count) users move within \(row.group)", rule: "move", subject: name)
        for user in leaving.sorted(by: { $0.name < $1.name }) {
            if isServing { moves.append(user.name, user.settings.plan) } else { move(user.name) }
        }
    }

    /// A user that has been put on a database that is to be left moves on, too, at its turn.
    mutating func moveOn(_ name: UserName) {
        guard !isStopping, let user = users[name], let database = user.database, databases.isToBeLeft(database) else {
            return
        }
        moves.append(name, user.settings.plan)
    }

    // MARK: orders of the operator

    /// Users that have left a database come back by `rebalance` only.
    mutating func drain(_ name: String, _ isDrained: Bool) {
        if let change = databases.drain(name, isDrained, now) { turned(change) }
    }

    /// Spreads the users of each group over its members again.
    mutating func rebalance() {
        var guests: [String: [Spread.Guest]] = [:]
        for user in users.values where !user.isDeleted {
            guard let present = user.database, let row = databases[present] else { continue }
            let home = user.settings.database.flatMap { databases[$0]?.group == row.group ? $0 : nil }
            guests[row.group, default: []].append(
                Spread.Guest(name: user.name, plan: user.settings.plan, present: present, home: home))
        }
        var count = 0
        for (group, unsorted) in guests.sorted(by: { $0.key < $1.key }) {
            let guests = unsorted.sorted { $0.name < $1.name }
            let members = databases.groups[group, default: []].filter { databases[$0]?.isUsable == true }
            let spread = Spread.moves(guests, over: members)
            count += spread.count
            for guest in guests {
                edit(guest.name) { $0.destination = spread[guest.name] }
                if spread[guest.name] != nil { moves.append(guest.name, guest.plan) }
            }
        }
        out.note("\(count) users move", rule: "rebalance")
    }

    // MARK: one move

    /// Begins the moves whose turn it is.
    mutating func admitMoves() {
        guard !moves.isEmpty else { return }
        moves.keep(isUnderway)
        while let name = moves.popFirst(limit: admission.limit) {
            move(name)
            if isUnderway(name) { moves.begun(name) }
        }
    }

    /// Whether a user is out of service for its move. A death, a hold or a lost database are stories of their own, and so
    /// is a start that takes long: users that cannot start there do not keep others from moving.
    private func isUnderway(_ name: UserName) -> Bool {
        guard let user = users[name], !user.isDeleted, !isStopping, wanted(user) == .up else { return false }
        switch user.actual {
        case .absent, .queued, .stopping: return true
        case .starting(let start): return start.placeUntil != nil
        case .ready(let process, _): return process.plan.database != user.database
        case .swapping, .waiting: return false
        }
    }

    /// To where it is to go, or nowhere where that has become needless.
    private mutating func move(_ name: UserName) {
        guard let user = users[name] else { return }
        edit(name) { $0.destination = nil }
        guard !user.isDeleted, let present = user.database,
            let target = databases.destination(user.settings.database, from: present, preferring: user.destination)
        else { return }
        place(name, on: target)
        out.note("moves from \(present) to \(target)", rule: "move", user: name, weight: .crowd)
        advance(name) { $0.reconcile(&$1, &$2) }
    }

    // MARK: which user works where

    /// Chooses the database of a user, where the present one does not do.
    mutating func assignDatabase(_ name: UserName, isNewWish: Bool = false) {
        guard let user = users[name] else { return }
        place(name, on: databases.choice(user.settings.database, present: user.database, isNewWish: isNewWish))
    }

    /// Counts the user on this database from now on.
    mutating func place(_ name: UserName, on database: String?) {
        guard let user = users[name], user.database != database else { return }
        databases.move(from: user.database, to: database)
        edit(name) { $0.database = database }
    }
}
