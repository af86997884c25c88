// Places are given out: to users who move, to those whose turn it is in a rollout, to those who come back, to starts.

import Shared

extension Supervisor {
    /// Fills the free places among the starting ones, and among those who arrive on a database.
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
