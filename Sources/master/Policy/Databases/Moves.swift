// Users that are to move to another database while they are served.

import Shared

struct Moves {
    /// Users that wait for their turn: the paying ones first.
    private var queue = StartQueue()
    /// On their way: between two processes, or not ready yet on the new database.
    private(set) var underway: Set<UserName> = []

    var isEmpty: Bool { queue.count == 0 && underway.isEmpty }

    func contains(_ name: UserName) -> Bool { queue.contains(name) || underway.contains(name) }

    func waits(_ name: UserName) -> Bool { queue.contains(name) }

    mutating func append(_ name: UserName, _ plan: Plan) {
        queue.append(name, plan)
    }

    /// The next user whose turn it is, with at most `limit` on their way; it has to be told of by `begun`.
    mutating func popFirst(limit: Int) -> UserName? {
        guard underway.count < limit, let name = queue.first() else { return nil }
        queue.remove(name)
        return name
    }

    mutating func begun(_ name: UserName) {
        underway.insert(name)
    }

    /// Forgets the users that have arrived.
    mutating func keep(_ isUnderway: (UserName) -> Bool) {
        underway = underway.filter(isUnderway)
    }

    mutating func remove(_ name: UserName) {
        queue.remove(name)
        underway.remove(name)
    }
}
