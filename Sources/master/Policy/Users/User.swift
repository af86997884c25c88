// A user as master knows it: what is wanted, what is there, and who answers its customers.

import Shared

/// One process of a user.
struct Process: Equatable, Sendable {
    let id: WorkerID
    /// The socket that it was given.
    let socket: SocketID
    var plan: PlanIdentity
    /// The version that it runs, where there are any.
    var version: String?
    var pid: Int32?
    let startedAt: Instant
    var readyAt: Instant?
    /// Set for one that has to prove itself before customers are sent to it: not before this time, and a passed check.
    var soakEnd: Instant?
    var pulse = Pulse()
    /// In bytes, with its descendants, when it was last measured.
    var memory: Int?
    /// What it says of itself by STATUS=.
    var ownStatus: String?
    /// Why it could not be started, where that is known before its exit.
    var failure: String?
}

/// Why no process can be made: the machine's trouble, and not the worker's.
struct StartTrouble: Equatable, Sendable {
    var why = ""
    /// The attempts in a row.
    var attempts = RestartHistory()
}

/// A process on its way out.
struct Departure: Equatable, Sendable {
    enum Phase: Equatable, Sendable {
        /// It still serves who waits on its socket; so many looks in a row found nobody.
        case draining(until: Instant, emptyLooks: Int)
        case terminating
        /// It hangs: SIGABRT, so that it leaves a traceback.
        case aborting
    }

    var process: Process
    var phase: Phase
}

/// What there is. Each case can go to those named beside it.
enum Actual: Equatable, Sendable {
    /// Nothing runs. → queued
    case absent
    /// Waits for a place among the starting ones. → starting, absent
    case queued
    /// → ready, stopping; its death: absent (and queued at once) or waiting
    case starting(Process)
    /// → swapping, stopping; its death: absent or waiting
    case ready(Process)
    /// A second process starts on a socket of its own while the first one serves. → ready with either of them, starting
    case swapping(old: Process, new: Process)
    /// → absent at its exit, or waiting where the exit counts as a death
    case stopping(Departure)
    /// The restart delay. → queued, absent
    case waiting(until: Instant)

    /// Every process that this state holds.
    var processes: [Process] {
        switch self {
        case .absent, .queued, .waiting: []
        case .starting(let process), .ready(let process): [process]
        case .swapping(let old, let new): [old, new]
        case .stopping(let departure): [departure.process]
        }
    }
}

/// What should be there.
enum Wanted: Equatable, Sendable {
    case up
    case down(DownReason)
}

enum DownReason: Equatable, Sendable {
    case held(String)
    case disabled
    /// Its worker goes on running: only its customers are answered by the stand-in.
    case databaseUnavailable(String)
    /// No word about the database has come yet.
    case databaseUnknown(String)
    /// The database that it names is configured no more.
    case noDatabase(String)
}

/// Who answers at RUNTIME/users/NAME.sock.
package struct Face: Equatable, Sendable {
    /// Where the link points.
    package var socket: SocketID
    /// Set where the keeper answers there; nil: requests reach, or wait for, a worker on that socket.
    package var standIn: StandInReason?

    package init(socket: SocketID, standIn: StandInReason? = nil) {
        (self.socket, self.standIn) = (socket, standIn)
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
    /// The plan of a process that is left alone until the user's turn: nobody knows any more by which worker settings.
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
    var since: Instant
    package var face: Face? {
        didSet { if (oldValue?.standIn == nil) != (face?.standIn == nil) { sinceChanged = true } }
    }
    /// Processes that nobody is sent to any more, by generation.
    var departing: [UInt64: Departure] = [:] {
        didSet { isUnsaved = true }
    }
    /// The last process or socket number given out.
    var generation: UInt64 = 0 {
        didSet { isUnsaved = true }
    }

    /// A swap is due although the plan is the same, and why.
    var swapRequest: String?
    /// The plan that a swap failed with, and how: not tried again until it changes or the operator asks.
    var failedPlan: PlanIdentity?
    var swapFailure: String?

    var history = RestartHistory()
    /// Set while no process can be made for it.
    var startTrouble: StartTrouble?
    /// Replacements because of failed checks or too much memory, and when the next one is allowed.
    var remedies = RestartHistory()
    var remedyAfter: Instant?
    var restarts = 0
    var lastExit: String?
    var lastFailure: String?
    var health: Health?
    /// Since when its checks pass, while they do.
    var passingSince: Instant?
    var latency: Double?
    fileprivate(set) var sinceChanged = true
    /// Whether its record has changed since it was written down.
    var isUnsaved = true

    init(settings: UserSettings, since: Instant) {
        self.settings = settings
        self.since = since
    }

    var name: UserName { settings.name }

    mutating func nextWorker() -> WorkerID { WorkerID(user: name, generation: nextNumber()) }

    /// For a socket that is made before there is a worker for it.
    mutating func nextSocket() -> SocketID { SocketID(user: name, generation: nextNumber()) }

    private mutating func nextNumber() -> UInt64 {
        generation += 1
        return generation
    }

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
}

extension Actual {
    fileprivate enum Kind { case absent, queued, starting, ready, swapping, stopping, waiting }

    fileprivate var kind: Kind {
        switch self {
        case .absent: .absent
        case .queued: .queued
        case .starting: .starting
        case .ready: .ready
        case .swapping: .swapping
        case .stopping: .stopping
        case .waiting: .waiting
        }
    }
}
