// What is done about a worker that uses more memory than it may.
//
// Master samples everybody who serves and has a limit once in a round, some at a time, so that no turn of its loop gets
// long. One who is found above the limit is swapped, as often and with as many others as for failed checks.

import Shared

/// Who is still to be measured in this round. Nothing is due where nobody has a limit.
struct MemoryRound {
    /// From one sample of a worker to the next.
    static let period = Duration.seconds(10)
    /// How many are measured in a turn of the loop: about a millisecond.
    static let most = 25

    private var rest: [UserName]
    /// From one turn to the next.
    let interval: Duration

    /// - Parameter users: who has a limit.
    init(of users: [UserName] = []) {
        rest = users
        interval = Self.period / max(1, (rest.count + Self.most - 1) / Self.most)
    }

    var isOver: Bool { rest.isEmpty }

    mutating func next() -> [UserName] {
        let users = rest.suffix(Self.most)
        rest.removeLast(users.count)
        return Array(users)
    }
}

extension Supervisor {
    /// To be called when a user is served who may have a limit.
    mutating func ensureMemoryRound(_ user: User) {
        guard hasMemoryLimit(user), !timers.isSet(.memory) else { return }
        timers.set(.memory, at: now + MemoryRound.period)
    }

    private func hasMemoryLimit(_ user: User) -> Bool {
        limits(user).memory != LimitSettings.unlimited
    }

    mutating func measureSome() {
        guard !isStopping else { return }
        if memoryRound.isOver {
            memoryRound = MemoryRound(of: users.values.filter(hasMemoryLimit).map(\.name).sorted())
        }
        guard !memoryRound.isOver else { return }
        timers.set(.memory, at: now + memoryRound.interval)
        for name in memoryRound.next() {
            guard let user = users[name], case .ready(let process) = user.actual else { continue }
            emit(.measure(process.id))
        }
    }

    mutating func measured(_ id: WorkerID, _ memory: Int) {
        edit(id, isSaved: false) { $0.memory = memory }
        update(id.user) { supervisor, user in
            guard case .ready(let process) = user.actual, process.id == id, supervisor.wanted(user) == .up,
                let excess = supervisor.excess(user, process), supervisor.mayRemedy(&user)
            else { return }
            supervisor.note("too much memory: \(excess)", rule: "memory", user: user.name, weight: .warning)
            user.swapRequest = "too much memory: \(excess)"
            supervisor.reconcile(&user)
        }
    }

    /// How far a process was above its limit when it was measured; nil where it was not.
    func excess(_ user: User, _ process: Process) -> String? {
        let limit = limits(user).memory
        guard let memory = process.memory, memory > limit else { return nil }
        return "\(ByteSize.mebibytes(limit)) allowed, \(ByteSize.mebibytes(memory)) used"
    }
}
