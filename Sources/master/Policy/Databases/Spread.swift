// How the users of a group are spread over its members again, with the fewest moves. Pure.

import Shared

enum Spread {
    /// A user of the group.
    struct Guest {
        let name: UserName
        let plan: Plan
        let present: String
        /// The member that it names, where it names one.
        let home: String?
    }

    /// Which user moves where. A user that names a member moves there. The others move from the fullest to the emptiest
    /// until no two members differ by more than one, where they can.
    ///
    /// - Parameter members: those that users may be sent to, in the order that decides between equals.
    static func moves(_ guests: [Guest], over members: [String]) -> [UserName: String] {
        var (result, counts) = ([UserName: String](), [String: Int]())
        var movable: [String: [Guest]] = [:]
        for guest in guests {
            let isHomeOpen = guest.home.map(members.contains) ?? false
            if isHomeOpen, let home = guest.home, home != guest.present { result[guest.name] = home }
            counts[result[guest.name] ?? guest.present, default: 0] += 1
            // A user that names a closed member has moved once already, and will again.
            let stays = guest.home != nil && members.contains(guest.present)
            if !isHomeOpen && !stays { movable[guest.present, default: []].append(guest) }
        }
        func count(_ member: String) -> Int { counts[member, default: 0] }
        for (place, guests) in movable { movable[place] = guests.sorted(by: isMovedLater) }
        for place in movable.keys.sorted() where !members.contains(place) {
            for guest in movable[place, default: []] {
                guard let emptiest = members.min(by: { count($0) < count($1) }) else { return [:] }
                result[guest.name] = emptiest
                counts[emptiest, default: 0] += 1
            }
        }
        while let emptiest = members.min(by: { count($0) < count($1) }),
            let fullest = members.filter({ movable[$0]?.isEmpty == false }).max(by: { count($0) < count($1) }),
            count(fullest) - count(emptiest) > 1, let guest = movable[fullest]?.popLast()
        {
            result[guest.name] = emptiest
            counts[fullest, default: 0] -= 1
            counts[emptiest, default: 0] += 1
        }
        return result
    }

    /// A move costs a moment of service: paying users rather stay.
    private static func isMovedLater(_ left: Guest, _ right: Guest) -> Bool {
        (left.plan == .paid ? 0 : 1, left.name) < (right.plan == .paid ? 0 : 1, right.name)
    }
}
