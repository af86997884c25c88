// Which user is started next.

import Shared

/// Users that wait for their turn: first those with a waiting customer, then the paying ones, then the rest, each group
/// in its order of arrival. Users of a database that has no room for them never delay users of another.
struct StartQueue {
    private enum Rank: Int {
        case awaited, paid, free
    }

    private struct Lane: Hashable {
        let database: String?
        let rank: Rank
    }

    /// Users with the number of their arrival; no lane is empty.
    private var lanes: [Lane: LinkedHashQueue<UserName, UInt64>] = [:]
    private var places: [UserName: Lane] = [:]
    private var lastArrival: UInt64 = 0

    var count: Int { places.count }

    func contains(_ name: UserName) -> Bool { places[name] != nil }

    /// - Parameter database: on which the user is to be started. A user that is queued for another one queues anew.
    mutating func append(_ name: UserName, _ plan: Plan, on database: String? = nil) {
        let present = places[name]
        if let present, present.database == database { return }
        let rank: Rank =
            switch plan {
            case .paid: .paid
            case .free: .free
            }
        put(name, into: Lane(database: database, rank: present?.rank ?? rank))
    }

    /// A customer waits for this user.
    mutating func promote(_ name: UserName) {
        guard let present = places[name], present.rank != .awaited else { return }
        put(name, into: Lane(database: present.database, rank: .awaited))
    }

    /// The next user whose database has room.
    func first(where hasRoom: (_ database: String?) -> Bool = { _ in true }) -> UserName? {
        var next: (rank: Int, arrival: UInt64, name: UserName)?
        for (lane, queue) in lanes where hasRoom(lane.database) {
            guard let (name, arrival) = queue.first else { continue }
            if let next, (next.rank, next.arrival) < (lane.rank.rawValue, arrival) { continue }
            next = (lane.rank.rawValue, arrival, name)
        }
        return next?.name
    }

    mutating func remove(_ name: UserName) {
        guard let lane = places.removeValue(forKey: name) else { return }
        lanes[lane]?.remove(name)
        if lanes[lane]?.isEmpty == true { lanes[lane] = nil }
    }

    private mutating func put(_ name: UserName, into lane: Lane) {
        remove(name)
        lastArrival += 1
        places[name] = lane
        lanes[lane, default: LinkedHashQueue()].append(name, lastArrival)
    }
}
