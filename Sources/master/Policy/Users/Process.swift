// One process of a user, and where it can stand: each place owns its deadlines, and leaving it forgets them.

import Shared

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
    /// Whether its connections to the database are new: it is starting, or waits for the check that lets it back.
    var isArriving = false
    var pulse = Pulse()
    /// In bytes, with its descendants, when it was last measured.
    var memory: Int?
    /// What it says of itself by STATUS=.
    var ownStatus: String?
    /// Why it could not be started, where that is known before its exit.
    var failure: String?
}

/// A process that is not ready yet.
struct Start: Equatable, Sendable {
    var process: Process
    var readyBy: Instant
    /// How long it may keep others from starting; nil when it has given up its place.
    var placeUntil: Instant?
}

/// The new process of a swap.
enum Newcomer: Equatable, Sendable {
    /// → soaking; ready in the old one's place; its end
    case starting(Start)
    /// Ready on its own socket: it has to run until then. → proving, ready, its end
    case soaking(Process, until: Instant)
    /// One passed check is awaited until then. → ready, its end
    case proving(Process, checkBy: Instant)

    var process: Process {
        get {
            switch self {
            case .starting(let start): start.process
            case .soaking(let process, _), .proving(let process, _): process
            }
        }
        set {
            switch self {
            case .starting(var start):
                start.process = newValue
                self = .starting(start)
            case .soaking(_, let until): self = .soaking(newValue, until: until)
            case .proving(_, let checkBy): self = .proving(newValue, checkBy: checkBy)
            }
        }
    }

    /// Whether it has been ready once and has to prove itself.
    var isOnTrial: Bool {
        switch self {
        case .starting: false
        case .soaking, .proving: true
        }
    }
}

/// What goes on about a ready process beside its serving.
struct Service: Equatable, Sendable {
    /// How a worker that ran on while its database was away comes back.
    enum Return: Equatable, Sendable {
        case none
        /// It waits for its turn. → checked
        case queued
        /// It is let back by a check that passes until then. → none
        case checked(by: Instant)
    }

    var comeback = Return.none
    /// It waits for a place, so that its successor can start.
    var wantsSuccessor = false
    /// It serves already, because no other process could, and has to run until then to prove itself.
    var soakEnd: Instant?
    /// Its successor could not be made: tried again then.
    var retryAt: Instant?
}

/// A process on its way out.
struct Departure: Equatable, Sendable {
    enum Phase: Equatable, Sendable {
        /// It still serves the requests that wait on its socket; so many looks in a row found none. `lookAt` is nil
        /// while a look is on its way. → terminating
        case draining(until: Instant, lookAt: Instant?, emptyLooks: Int)
        /// SIGTERM was sent; SIGKILL follows, once.
        case terminating(killAt: Instant?)
        /// It hangs: SIGABRT, so that it leaves a traceback; SIGKILL follows, once.
        case aborting(killAt: Instant?)
    }

    var process: Process
    var phase: Phase

    var deadline: Instant? {
        switch phase {
        case .draining(_, let lookAt, _): lookAt
        case .terminating(let killAt), .aborting(let killAt): killAt
        }
    }
}

/// Why no process can be made: the machine's trouble, and not the worker's.
struct StartTrouble: Equatable, Sendable {
    var why = ""
    /// The attempts in a row.
    var attempts = RestartHistory()
}

/// What there is. Each case can go to those named beside it.
enum Actual: Equatable, Sendable {
    /// Nothing runs. → queued
    case absent
    /// Waits for a place among the starting ones. → starting, absent
    case queued
    /// → ready, stopping; its death: absent (and queued at once) or waiting
    case starting(Start)
    /// → swapping, stopping; its death: absent or waiting
    case ready(Process, Service)
    /// A second process starts on a socket of its own while the first one serves. → ready with either of them, starting
    case swapping(old: Process, new: Newcomer)
    /// → absent at its exit, or waiting where the exit counts as a death
    case stopping(Departure)
    /// The restart delay. → queued, absent
    case waiting(until: Instant)

    enum Kind { case absent, queued, starting, ready, swapping, stopping, waiting }

    var kind: Kind {
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

    /// Every process that this state holds, the serving one first.
    var processes: [Process] {
        switch self {
        case .absent, .queued, .waiting: []
        case .starting(let start): [start.process]
        case .ready(let process, _): [process]
        case .swapping(let old, let new): [old, new.process]
        case .stopping(let departure): [departure.process]
        }
    }

    /// The process that serves, or is about to.
    var first: Process? {
        switch self {
        case .absent, .queued, .waiting: nil
        case .starting(let start): start.process
        case .ready(let process, _), .swapping(let process, _): process
        case .stopping(let departure): departure.process
        }
    }
}
