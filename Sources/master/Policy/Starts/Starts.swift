// Which user is started next: places are given to users that move, to users whose turn it is in a rollout, to users
// that return to service, and to starts, in this order.
//
// At most `start_concurrency` processes are starting at a time. A start that takes longer than five seconds gives up
// its place, so that it does not delay others. Users on whose socket a request waits are first (the sockets of queued
// users are watched for that), then paying users, then the rest. When many start at once, the log gets one summary
// line a second; `events` has every start. Many processes at once are started gently (nice 10, where that can be taken
// back) until each is ready, because they can wait for the users that are being served. The restart of a single user
// cannot wait: it is not started gently.
//
// How a process is made is described in Workers/Launcher.swift, what follows from a death in Users/Departure.swift.

import Shared

extension Supervisor {
    /// Fills the free places among the starting processes, and among those that connect to a database.
    mutating func admit() {
        admitMoves()
        advanceRollout()
        admitReturns()
        while let name = admission.next(hasRoom: databases.hasRoom) { begin(name) }
        admission.watchQueued(
            { [users] name in
                guard let user = users[name], user.actual == .queued, let face = user.face else { return nil }
                return face.standIn == nil ? face.socket : nil
            }, &out)
    }

    private mutating func begin(_ name: UserName) {
        guard mayBegin(name) else {
            admission.withdraw(name, &out)
            return advance(name) { user, aim, out in
                user.standDown()
                user.reconcile(&aim, &out)
            }
        }
        chooseVersion(name, isStarting: true)
        admission.withdraw(name, &out)
        advance(name) { $0.begin(&$1, &$2) }
    }

    /// Whether the place that a user has waited for is still of use.
    private func mayBegin(_ name: UserName) -> Bool {
        guard let user = users[name], !user.isDeleted, wanted(user) == .up else { return false }
        switch user.actual {
        case .queued:
            return true
        case .ready(let old, _):
            var aim = aim(of: user)
            return user.mayReplace(old, &aim)
        case .absent, .starting, .swapping, .stopping, .waiting:
            return false
        }
    }

    /// Lets users back whose workers ran on while their database was away.
    private mutating func admitReturns() {
        while let name = admission.nextReturn(hasRoom: databases.hasRoom) { advance(name) { $0.comeBack(&$1, &$2) } }
    }

    mutating func tellProgress() {
        let ready = users.values.count(where: \.isReady)
        let (starting, waiting) = (admission.starting.count, admission.waiting)
        out.note("\(ready) of \(users.count) users ready, \(starting) starting, \(waiting) queued", rule: "progress")
        admission.expire(now)
    }
}
