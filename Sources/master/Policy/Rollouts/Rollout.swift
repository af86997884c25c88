// A version, or other worker settings, on the way to the users: canaries first, then the paying ones, then the rest. Pure.
//
// It says which user's turn it is and when to stop; the Supervisor decides what a turn means.

import Shared

struct Rollout {
    /// What it brings. Its description stands in sentences and on the wire.
    enum Target: Equatable, Sendable, CustomStringConvertible {
        case package(String)
        /// What the configuration says of the workers.
        case settings

        var description: String {
            switch self {
            case .package(let version): version
            case .settings: "new worker settings"
            }
        }
    }

    package enum Stage: Equatable, Sendable {
        /// → rollingBack, or its end
        case rolling
        /// The users that have been changed go back, for this reason. → its end
        case rollingBack(String)
    }

    /// A failure that may be a database's fault.
    struct Doubt: Equatable, Sendable {
        let why: String
        let since: Instant
    }

    let target: Target
    private(set) var stage = Stage.rolling
    /// The operator has stopped it for a while: users on the way go on.
    private(set) var isPaused = false
    let startedAt: Instant
    private var queue = StartQueue()
    /// Between two processes, or not proved yet.
    private(set) var underway: Set<UserName> = []
    /// Users whose worker was not ready at their turn: they get another turn when the queue is empty.
    private(set) var aside: Set<UserName> = []
    /// Users that have been changed and proved, or have gone back.
    private var proved: Set<UserName> = []
    /// Users that have been changed without a proof, because none of their workers ran.
    private var untried: Set<UserName> = []
    private(set) var doubts: [UserName: Doubt] = [:]
    /// The users with which it has failed, and how.
    private(set) var failures: [UserName: String] = [:]
    /// When the doubts are judged; nil where there are none to judge.
    private var judgeAt: Instant?
    /// When the users put aside may be looked at again: there may be thousands of them, and a step for each event.
    private var asideAt: Instant?

    init(to target: Target, at now: Instant) {
        self.target = target
        startedAt = now
    }

    /// Goes on with what an earlier master has begun.
    init(to target: Target, stage: Stage, isPaused: Bool, failures: [UserName: String], at now: Instant) {
        self.init(to: target, at: now)
        (self.stage, self.isPaused, self.failures) = (stage, isPaused, failures)
    }

    var isRolling: Bool { stage == .rolling }

    var changed: Int { proved.count + untried.count }

    var waiting: Int { queue.count + aside.count }

    /// All present users that it is about, the failed ones included.
    var total: Int { changed + underway.count + waiting + doubts.count + failures.count }

    var isOver: Bool { underway.isEmpty && waiting == 0 && doubts.isEmpty }

    mutating func append(_ name: UserName, _ plan: Plan) {
        guard !underway.contains(name), failures[name] == nil, doubts[name] == nil else { return }
        aside.remove(name)
        queue.append(name, plan)
    }

    /// The user whose turn it is now; told of by `begun` or `postpone`.
    mutating func next(_ settings: UpgradeSettings) -> UserName? {
        guard !isPaused, doubts.isEmpty, underway.count < limit(settings) else { return nil }
        guard let name = queue.first() else { return nil }
        queue.remove(name)
        return name
    }

    /// How many may be on the way: the canaries have to be proved before any other user begins.
    private func limit(_ settings: UpgradeSettings) -> Int {
        guard isRolling, proved.count < settings.canary else { return settings.parallel }
        return min(settings.canary - proved.count, settings.parallel)
    }

    /// Whether all others have had their turn.
    var isAsideDue: Bool { queue.count == 0 && underway.isEmpty && doubts.isEmpty && !isPaused && !aside.isEmpty }

    /// When something is due: `expire`.
    var deadline: Instant? { [judgeAt, asideAt].compactMap(\.self).min() }

    /// Whether it is time to judge doubts.
    mutating func expire(_ now: Instant) -> Bool {
        if let judgeAt, judgeAt <= now {
            self.judgeAt = nil
            return true
        }
        if let asideAt, asideAt <= now { self.asideAt = nil }
        return false
    }

    /// The users put aside, if they are to be looked at again now; the next time is a second later.
    mutating func takeAside(_ now: Instant) -> [UserName] {
        guard isAsideDue, asideAt == nil else { return [] }
        asideAt = now + .seconds(1)
        return aside.sorted()
    }

    mutating func begun(_ name: UserName) {
        underway.insert(name)
    }

    mutating func postpone(_ name: UserName) {
        underway.remove(name)
        aside.insert(name)
    }

    mutating func finished(_ name: UserName) {
        if underway.remove(name) != nil {
            proved.insert(name)
        } else if aside.remove(name) != nil {
            untried.insert(name)
        }
    }

    /// A user that was proved has turned out to be broken.
    ///
    /// - Returns: whether it was proved; otherwise it is not known what is to blame.
    mutating func relapsed(_ name: UserName) -> Bool {
        guard proved.remove(name) != nil else { return false }
        underway.insert(name)
        return true
    }

    mutating func failed(_ name: UserName, _ why: String) {
        underway.remove(name)
        failures[name] = why
    }

    /// It may be a database's fault: `judged` tells.
    ///
    /// - Parameter doubtTime: as long as it takes to notice that a database is gone.
    mutating func doubted(_ name: UserName, _ why: String, doubtTime: Duration, _ now: Instant) {
        underway.remove(name)
        doubts[name] = Doubt(why: why, since: now)
        judgeAt = now + doubtTime
    }

    /// Doubts that can be judged now; the others are due when they have lasted as long.
    mutating func ripeDoubts(doubtTime: Duration, _ now: Instant) -> [(name: UserName, doubt: Doubt)] {
        let sorted = doubts.sorted { $0.key < $1.key }
        if let last = sorted.last(where: { now - $0.value.since < doubtTime }) {
            judgeAt = last.value.since + doubtTime
        }
        return sorted.filter { now - $0.value.since >= doubtTime }.map { ($0.key, $0.value) }
    }

    mutating func judged(_ name: UserName, _ plan: Plan, isExcused: Bool) {
        guard let doubt = doubts.removeValue(forKey: name) else { return }
        if isExcused { append(name, plan) } else { failures[name] = doubt.why }
    }

    /// The users with which it has failed and how, in one line.
    var verdict: String {
        failures.sorted { $0.key < $1.key }.map { "\($0): \($1)" }.listed(atMost: 3, separator: "; ")
    }

    func isSpent(_ settings: UpgradeSettings) -> Bool {
        isRolling && failures.count >= settings.maxFailures
    }

    /// - Returns: whether that changes anything.
    mutating func pause(_ isPaused: Bool) -> Bool {
        defer { self.isPaused = isPaused }
        return self.isPaused != isPaused
    }

    /// Turns round. The users that are to go back are appended afterwards.
    mutating func turnBack(_ why: String) {
        stage = .rollingBack(why)
        isPaused = false
        queue = StartQueue()
        (underway, aside, doubts, proved, untried) = ([], [], [:], [], [])
        judgeAt = nil
    }

    mutating func remove(_ name: UserName) {
        queue.remove(name)
        underway.remove(name)
        aside.remove(name)
        proved.remove(name)
        untried.remove(name)
        doubts[name] = nil
    }
}
