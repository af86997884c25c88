// A user as master knows it: what is there, what answers its requests, what is on its way, and the deadlines of these.
//
// A user takes one step at a time: an event and its `Aim` go in, effects go into the outbox, and what concerns other
// parts comes back as an `Answer`. What it occupies elsewhere (a place in a queue or among the starting processes, a
// connection that is new, a share of the replacements, its next deadline) follows from its state: `claims` says it, and
// the Supervisor keeps the parts in step after each change. So nothing of that can be left behind.

import Shared

/// What the Supervisor has to decide, or to do elsewhere, because of a step.
enum Answer: Equatable {
    /// It has proved itself with what the rollout brings.
    case proved
    /// It serves with what the rollout brings, and fails.
    case trialFailed(why: String)
    /// The new process of a swap was given up for that reason.
    case swapFailed(PlanIdentity, why: String)
    case died(Death)
    /// It should be replaced, if others are not already.
    case isSick(Complaint)
    /// Master cannot tell whether this adopted process is ready.
    case isUnheard(WorkerID)
}

struct Death: Equatable {
    let process: Process
    let cause: String
}

/// Why a user should be replaced, and how.
struct Complaint: Equatable {
    let remedy: Remedy
    let why: String
    let rule: String
}

/// What a user occupies in other parts.
struct Claims: Equatable {
    /// It waits for a place among the starting processes.
    var isQueued = false
    /// It waits for the check that lets it back.
    var isReturning = false
    /// Its place among the starting processes.
    var place: WorkerID?
    /// Processes whose connections are new, and where.
    var arriving: [(id: WorkerID, database: String?)] = []
    /// It is one of the users that are being replaced because they fail.
    var isBeingReplaced = false
    var deadline: Instant?
    /// What STATE/versions has to say of it.
    var version: String?
    var formerVersion: String?

    static func == (left: Claims, right: Claims) -> Bool {
        left.isQueued == right.isQueued && left.isReturning == right.isReturning && left.place == right.place
            && left.arriving.elementsEqual(right.arriving) { $0.id == $1.id }
            && left.isBeingReplaced == right.isBeingReplaced && left.deadline == right.deadline
    }
}

package struct User: Equatable, Sendable {
    package var settings: UserSettings
    /// The database that it works on, where any is configured.
    var database: String? {
        didSet { isUnsaved = true }
    }
    /// The one to which it is to move when it is its turn; nil: wherever there is room, or nowhere.
    var destination: String?
    /// The version that it is to run, where there are any.
    var version: String? {
        didSet { isUnsaved = true }
    }
    /// What it ran before a rollout changed that.
    var formerVersion: String? {
        didSet { isUnsaved = true }
    }
    /// It is planned by worker settings that have still to prove themselves with others.
    var hasNewSettings = false
    /// The plan of a process that is left alone until the user's turn: by which worker settings is not known any more.
    var keptPlan: PlanIdentity?
    /// Why it does not run the version that it should.
    var versionTrouble: String?
    /// How the last rollout has failed with it.
    var upgradeFailure: String?
    /// The operator's hold, with the reason.
    package var hold: String?
    /// Its folder is gone: it is forgotten when its last process has ended.
    package var isDeleted = false
    /// What is wrong with its files now.
    var fault: String?

    var actual = Actual.absent {
        didSet {
            isUnsaved = true
            if oldValue.kind != actual.kind { sinceChanged = true }
        }
    }
    private(set) var since: Instant
    var face: Face? {
        didSet { if (oldValue?.standIn == nil) != (face?.standIn == nil) { sinceChanged = true } }
    }
    /// When a socket or link that could not be made is tried again.
    var repairAt: Instant?
    /// Processes that customers are not sent to any more, by generation.
    var departing: [UInt64: Departure] = [:] {
        didSet { isUnsaved = true }
    }
    /// The last number that was given out, to a process or a socket.
    var generation: UInt64 = 0 {
        didSet { isUnsaved = true }
    }

    /// A swap is due although the plan is the same, and why.
    var swapRequest: String?
    /// The plan that a swap failed with, and how: not tried again until it changes or the operator asks.
    var failedPlan: PlanIdentity? {
        didSet { isUnsaved = true }
    }
    var swapFailure: String?

    var history = RestartHistory() {
        didSet { isUnsaved = true }
    }
    /// Set while no process can be made for it.
    var startTrouble: StartTrouble?
    /// Replacements because of failed checks or too much memory, and when the next one is allowed.
    var remedies = RestartHistory()
    var remedyAfter: Instant?
    var isBeingReplaced = false
    var restarts = 0 {
        didSet { isUnsaved = true }
    }
    var lastExit: String?
    var lastFailure: String?
    var health: Health?
    /// Since when its checks pass, while they do.
    var passingSince: Instant?
    var latency: Double?
    private var sinceChanged = true
    /// Whether its record has changed since it was written down.
    var isUnsaved = true

    init(settings: UserSettings, since: Instant) {
        self.settings = settings
        self.since = since
    }

    /// What lies in a user's place while it takes a step.
    static let blank = User(settings: UserSettings(), since: Instant(nanoseconds: 0))

    var name: UserName { settings.name }

    /// Sockets and processes share one sequence of numbers.
    private mutating func nextNumber() -> UInt64 {
        generation += 1
        return generation
    }

    mutating func nextWorker() -> WorkerID { WorkerID(user: name, generation: nextNumber()) }

    /// For a socket that is not made for a process of its own.
    mutating func nextSocket() -> SocketID { SocketID(user: name, generation: nextNumber()) }

    /// Sets the time of the present state after it has changed.
    mutating func stamp(_ now: Instant) {
        if sinceChanged {
            since = now
            sinceChanged = false
        }
    }

    /// It has been in its present state since before this master.
    mutating func recall(since: Instant) {
        self.since = since
        sinceChanged = false
    }

    /// Every process of the user that has not ended.
    var processes: [Process] { actual.processes + departing.values.map(\.process) }

    var hasProcesses: Bool { actual.first != nil || !departing.isEmpty }

    /// Of the process that serves; before there is one, nil.
    var runningVersion: String? { actual.first?.version }

    /// Whether a worker serves it, alone or with its successor beside it.
    var isReady: Bool {
        switch actual {
        case .ready, .swapping: true
        case .absent, .queued, .starting, .stopping, .waiting: false
        }
    }
}

// MARK: what it occupies

extension User {
    var claims: Claims {
        var claims = Claims()
        claims.isBeingReplaced = isBeingReplaced
        (claims.version, claims.formerVersion) = (version, formerVersion)
        switch actual {
        case .absent, .waiting: break
        case .queued: claims.isQueued = true
        case .starting(let start): claims.add(start)
        case .ready(let process, let service):
            claims.isQueued = service.wantsSuccessor
            claims.isReturning = service.comeback == .queued
            claims.add(process)
        case .swapping(let old, let new):
            claims.add(old)
            switch new {
            case .starting(let start): claims.add(start)
            case .soaking(let process, _), .proving(let process, _): claims.add(process)
            }
        case .stopping(let departure): claims.add(departure.process)
        }
        for departure in departing.values { claims.add(departure.process) }
        claims.deadline = deadline
        return claims
    }
}

extension Claims {
    fileprivate mutating func add(_ start: Start) {
        if start.placeUntil != nil { place = start.process.id }
        add(start.process)
    }

    fileprivate mutating func add(_ process: Process) {
        if process.isArriving { arriving.append((process.id, process.plan.database)) }
    }
}
