// Which user's memory is measured next.
//
// Master samples memory itself, because RLIMIT_AS fails in odd places and cgroup controllers are often not delegated.
// A sample is the sum of the resident pages (statm, proc(5)) of the worker and all its descendants. Pages that they
// share count for each of them. Swapped pages do not count, nor does a daemon that has double-forked.
//
// Each user that is served and has a limit is measured once in ten seconds, at most 25 in a turn of the loop, so that
// no turn gets long. If no user has a limit, there is no timer. A sample costs 33 µs a worker: 1.7 ms of CPU and 2
// wake-ups a second for 500 workers, 16 ms and 20 for 5,000 (`Benchmarks/memory.py`).
//
// A worker above its limit is swapped, with the sizes as the cause, under the backoff and the share (5 %) of failed
// checks. While the database is unavailable nothing is done, because a successor could not become ready. A new limit
// counts at once: it is not part of the worker's plan.

import Shared

struct MemoryRound {
    /// From one sample of a worker to the next.
    static let period = Duration.seconds(10)
    /// How many are measured in a turn of the loop: about a millisecond.
    static let most = 25

    /// Users that are still to be measured in this round.
    private var rest: [UserName] = []
    /// From one turn to the next.
    private(set) var interval = period
    private(set) var deadline: Instant?

    /// A user that has a limit is served.
    mutating func ensure(_ now: Instant) {
        deadline = deadline ?? now + Self.period
    }

    var isOver: Bool { rest.isEmpty }

    /// - Parameter limited: all users that have a limit.
    mutating func begin(_ limited: [UserName]) {
        rest = limited
        interval = Self.period / max(1, (rest.count + Self.most - 1) / Self.most)
    }

    /// Users that are to be measured now.
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
