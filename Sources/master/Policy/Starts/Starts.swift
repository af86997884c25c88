// Places are given out: to users who move, to those whose turn it is in a rollout, to those who come back, to starts.

import Shared

extension Supervisor {
    /// Fills the free places among the starting ones, and among those who arrive on a database.
    mutating func admit() {
        admitMoves()
        advanceRollout()
        admitReturns()
        while let name = admission.next(hasRoom: databases.hasRoom, &out) { begin(name) }
        admission.watchQueued(
            { [users] name in
                guard let user = users[name], user.actual == .queued, let face = user.face else { return nil }
                return face.standIn == nil ? face.socket : nil
            }, &out)
    }

    private mutating func begin(_ name: UserName) {
        guard let user = users[name] else { return }
        var aim = aim(of: user)
        guard user.mayBegin(&aim) else {
            return advance(name) { user, aim, out in
                user.standDown()
                user.reconcile(&aim, &out)
            }
        }
        chooseVersion(name, isStarting: true)
        advance(name) { $0.begin(&$1, &$2) }
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
