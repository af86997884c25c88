// What tests look at inside the Supervisor: one place that knows which part owns it.

import Shared

@testable import Policy

extension Supervisor {
    var starting: Set<WorkerID> { admission.starting }
    var startLimit: Int { admission.limit }
    var replacing: Set<UserName> { remedies.replacing }
    var returning: Int { admission.returns.count }
    var isComplete: Bool { deletions.isComplete }
    var remains: [UserName: Remains] { succession.remains }

    func plan(for user: User) -> WorkerPlan {
        var aim = aim(of: user)
        return aim.plan
    }

    func isOutdated(_ process: Process, _ user: User) -> Bool {
        var aim = aim(of: user)
        return user.isOutdated(process, &aim)
    }

    func mayReplace(_ process: Process, _ user: User) -> Bool {
        var aim = aim(of: user)
        return user.mayReplace(process, &aim)
    }

    func place(_ user: User) -> UInt64 { aim(of: user).recipe.place }
    func checkOrders(_ user: User) -> [CheckOrder] { user.checkOrders(aim(of: user)) }
    func hasAlternative(_ database: String) -> Bool { databases.hasAlternative(database) }
}

extension Admission {
    func awaitsReturn(_ name: UserName) -> Bool { returns.contains(name) }
}

extension User {
    /// The worker that serves alone.
    var readyProcess: Process? {
        guard case .ready(let process, _) = actual else { return nil }
        return process
    }
}

extension Service {
    /// Whether the check is awaited that lets it back.
    var isAwaited: Bool {
        switch comeback {
        case .none, .queued: false
        case .checked: true
        }
    }
}

extension Effect {
    /// What is to be written down of a user.
    var record: UserRecord? {
        guard case .save(let record) = self else { return nil }
        return record
    }
}
