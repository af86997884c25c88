// Whose memory is measured next.
//
// Everybody who serves and has a limit is measured once in a round, some at a time, so that no turn of the loop gets long.
// Nothing is due where no user has a limit.

import Shared

struct MemoryRound {
    /// From one sample of a worker to the next.
    static let period = Duration.seconds(10)
    /// How many are measured in a turn of the loop: about a millisecond.
    static let most = 25

    /// Those who are still to be measured in this round.
    private var rest: [UserName] = []
    /// From one turn to the next.
    private(set) var interval = period
    private(set) var deadline: Instant?

    /// A user is served who has a limit.
    mutating func ensure(_ now: Instant) {
        deadline = deadline ?? now + Self.period
    }

    var isOver: Bool { rest.isEmpty }

    /// - Parameter limited: all who have a limit.
    mutating func begin(_ limited: [UserName]) {
        rest = limited
        interval = Self.period / max(1, (rest.count + Self.most - 1) / Self.most)
    }

    /// Those who are to be measured now.
    mutating func next(_ now: Instant) -> [UserName] {
        deadline = rest.isEmpty ? nil : now + interval
        let users = rest.suffix(Self.most)
        rest.removeLast(users.count)
        return Array(users)
    }
}

extension Supervisor {
    mutating func measureSome() {
        if isStopping {
            memory.begin([])
        } else if memory.isOver {
            memory.begin(users.values.filter { limits($0).memory != LimitSettings.unlimited }.map(\.name).sorted())
        }
        for name in memory.next(now) {
            guard let user = users[name], case .ready(let process, _) = user.actual else { continue }
            out.emit(.measure(process.id))
        }
    }
}
