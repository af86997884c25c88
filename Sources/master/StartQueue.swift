// Who is started next.

import Shared

/// Users who wait for a place among the starting ones: those for whom a customer waits, then the paying ones, then the
/// rest, each group in its order of arrival.
struct StartQueue {
    private var awaited = LinkedHashQueue<UserName, Void>()
    private var paid = LinkedHashQueue<UserName, Void>()
    private var free = LinkedHashQueue<UserName, Void>()

    var count: Int { awaited.count + paid.count + free.count }

    func contains(_ name: UserName) -> Bool {
        awaited[name] != nil || paid[name] != nil || free[name] != nil
    }

    mutating func append(_ name: UserName, _ plan: Plan) {
        guard !contains(name) else { return }
        switch plan {
        case .paid: paid.append(name, ())
        case .free: free.append(name, ())
        }
    }

    /// A customer waits for this user.
    mutating func promote(_ name: UserName) {
        guard paid.remove(name) != nil || free.remove(name) != nil else { return }
        awaited.append(name, ())
    }

    mutating func popFirst() -> UserName? {
        awaited.popFirst()?.key ?? paid.popFirst()?.key ?? free.popFirst()?.key
    }

    mutating func remove(_ name: UserName) {
        awaited.remove(name)
        paid.remove(name)
        free.remove(name)
    }
}
