// Users who go to another database of their group: away from one that is gone or drained, or to be spread again.
//
// Two processes of a user never work on two databases: the old one has ended before the new one starts (`mayStart`).
// Users of an unavailable database are not served, so they go at once, and only their starts are staged. Who is served
// goes when it is its turn: at most `startLimit` are out of service for a move at a time. Nobody comes back by itself.

import Shared

extension Supervisor {
    /// How long a process has for its end whose database does not answer: what it could finish hangs, and its user
    /// waits for the next one.
    private static var hangLimit: Duration { .seconds(2) }

    // MARK: occasions

    /// A database has been unavailable for `move_after`.
    mutating func moveTimeCame(_ name: String) {
        guard databases[name]?.state == .unavailable else { return }
        databases[name]?.isLeft = true
        evacuate(name)
    }

    /// Users may be sent to this database: those come who wait for it.
    mutating func relieve(_ name: String) {
        guard let group = databases[name]?.group else { return }
        for member in groups[group, default: []] where member != name { evacuate(member) }
    }

    /// Sends the users of a database away, if it is to be left and there is somewhere to go; else they stay.
    mutating func evacuate(_ name: String) {
        guard !isStopping, let row = databases[name], row.isLeft || row.isDrained, hasAlternative(name) else { return }
        let isServing = row.state != .unavailable
        let leaving = users.values.filter {
            $0.database == name && !$0.isDeleted && !(isServing && moves.waits($0.name))
        }
        guard !leaving.isEmpty else { return }
        note("\(leaving.count) users move within \(row.group)", rule: "move", subject: name)
        for user in leaving.sorted(by: { $0.name < $1.name }) {
            if isServing {
                moves.append(user.name, user.settings.plan)
            } else {
                update(user.name) { $0.move(&$1) }
            }
        }
    }

    /// A user who has come to a database that is to be left goes, too, when it is its turn.
    mutating func moveOn(_ name: UserName) {
        guard !isStopping, let user = users[name], let database = user.database, let row = databases[database],
            row.isLeft || row.isDrained, hasAlternative(database)
        else { return }
        moves.append(name, user.settings.plan)
    }

    func hasAlternative(_ name: String) -> Bool {
        groups[databases[name]?.group ?? "", default: []].contains { $0 != name && databases[$0]?.isUsable == true }
    }

    // MARK: orders of the operator

    mutating func drain(_ name: String) {
        changeDatabase(name) { row, _ in row.isDrained = true }
    }

    /// Users may be put on it again; those who have left come back by `rebalance` only.
    mutating func undrain(_ name: String) {
        changeDatabase(name) { row, _ in row.isDrained = false }
    }

    /// Spreads the users of each group over its members again.
    mutating func rebalance() {
        var guests: [String: [Spread.Guest]] = [:]
        for user in users.values where !user.isDeleted {
            guard let present = user.database, let row = databases[present] else { continue }
            let wish = user.settings.database
            let home = wish.flatMap { databases[$0]?.group == row.group ? $0 : nil }
            guests[row.group, default: []].append(
                Spread.Guest(name: user.name, plan: user.settings.plan, present: present, home: home))
        }
        var count = 0
        for (group, guests) in guests.sorted(by: { $0.key < $1.key }) {
            let members = groups[group, default: []].filter { databases[$0]?.isUsable == true }
            let guests = guests.sorted { $0.name < $1.name }
            let spread = Spread.moves(guests, over: members)
            count += spread.count
            for guest in guests {
                users[guest.name]?.destination = spread[guest.name]
                if spread[guest.name] != nil { moves.append(guest.name, guest.plan) }
            }
        }
        note("\(count) users move", rule: "rebalance")
    }

    // MARK: one move

    /// Begins the moves whose turn it is.
    mutating func admitMoves() {
        guard !moves.isEmpty else { return }
        moves.keep(isUnderway)
        while let name = moves.popFirst(limit: startLimit) {
            update(name) { $0.move(&$1) }
            if isUnderway(name) { moves.begun(name) }
        }
    }

    /// Whether a user is out of service for its move. A death, a hold or a lost database are stories of their own, and so
    /// is a start that takes long: those who cannot start there keep nobody from moving.
    private func isUnderway(_ name: UserName) -> Bool {
        guard let user = users[name], !user.isDeleted, !isStopping, wanted(user) == .up else { return false }
        switch user.actual {
        case .absent, .queued, .stopping: return true
        case .starting(let process): return starting.contains(process.id)
        case .ready(let process): return process.plan.database != user.database
        case .swapping, .waiting: return false
        }
    }

    /// To where it is to go, or nowhere where that has become needless.
    private mutating func move(_ user: inout User) {
        let destination = destination(of: user)
        user.destination = nil
        guard let present = user.database, let target = destination else { return }
        place(&user, on: target)
        note("moves from \(present) to \(target)", rule: "move", user: user.name, weight: .crowd)
        reconcile(&user)
    }

    private func destination(of user: User) -> String? {
        guard !user.isDeleted, let present = user.database, let row = databases[present] else { return nil }
        let usable = groups[row.group, default: []].filter { $0 != present && databases[$0]?.isUsable == true }
        if let destination = user.destination, usable.contains(destination) { return destination }
        guard row.isLeft || row.isDrained else { return nil }
        let wish = user.settings.database
        return usable.min { load($0, wish) < load($1, wish) }
    }

    /// Ends a process that has to be gone before its successor starts.
    mutating func leaveForSuccessor(_ user: inout User, _ process: Process) {
        let isLost = process.plan.database.flatMap { databases[$0]?.state } == .unavailable
        leave(&user, process, drains: !isLost)
        let limit = min(configuration.worker.stopTimeout, Self.hangLimit)
        if isLost { timers.set(.kill(process.id), at: now + limit) }
    }
}
