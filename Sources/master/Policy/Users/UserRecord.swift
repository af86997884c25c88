// What is written down of a user, for the master that starts after a death.

import Shared

/// What the next master has to find of one process of a user.
package struct ProcessRecord: WireValue {
    package enum Stage: UInt8, Sendable, CaseIterable {
        case starting = 1
        case ready
        case draining
        case terminating
        case aborting
    }

    package var generation: UInt64 = 0
    /// Number of the socket that it was given.
    package var socket: UInt64 = 0
    /// 0 until it is known: written before the process is made, so that nothing is made twice.
    package var pid: Int32 = 0
    /// Clock ticks since the boot (proc(5)): with the pid it names one process for ever; 0 until it is known.
    package var startTime: UInt64 = 0
    package var stage = Stage.starting
    package var startedAt = Instant(nanoseconds: 0)
    package var readyAt: Instant?
    package var fingerprint: UInt64 = 0
    package var database: String?
    /// Where that lies (`ConnectionInfo.place`).
    package var place: UInt64 = 0
    package var version: String?

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&generation)
        try coder.field(&socket)
        try coder.field(&pid)
        try coder.field(&startTime)
        try coder.field(&stage)
        try coder.field(&startedAt)
        try coder.field(&readyAt)
        try coder.field(&fingerprint)
        try coder.field(&database)
        try coder.field(&place)
        try coder.field(&version)
    }
}

package struct UserRecord: WireValue {
    package var name = UserName()
    /// The last process or socket number given out.
    package var generation: UInt64 = 0
    var restarts = 0
    var history = RestartHistory()
    /// The end of the restart delay.
    var waitsUntil: Instant?
    /// Fingerprint of a plan that a swap has failed with.
    var failedPlan: UInt64?
    /// The database that it works on, also while no process runs.
    var database: String?
    /// The version that it is to run, and the one before.
    var version: String?
    var formerVersion: String?
    package var processes: [ProcessRecord] = []

    package init() {}

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&name)
        try coder.field(&generation)
        try coder.field(&restarts)
        try coder.field(&history)
        try coder.field(&waitsUntil)
        try coder.field(&failedPlan)
        try coder.field(&database)
        try coder.field(&version)
        try coder.field(&formerVersion)
        try coder.field(&processes)
    }
}

extension UserRecord {
    package init(_ user: User) {
        name = user.name
        generation = user.generation
        restarts = user.restarts
        history = user.history
        if case .waiting(let until) = user.actual { waitsUntil = until }
        failedPlan = user.failedPlan?.fingerprint
        database = user.database
        (version, formerVersion) = (user.version, user.formerVersion)
        let present: [ProcessRecord] =
            switch user.actual {
            case .absent, .queued, .waiting: []
            case .starting(let start): [ProcessRecord(start.process)]
            case .ready(let process, _): [ProcessRecord(process)]
            case .swapping(let old, let new): [ProcessRecord(old), ProcessRecord(new)]
            case .stopping(let departure): [ProcessRecord(departure)]
            }
        processes = present + user.departing.sorted { $0.key < $1.key }.map { ProcessRecord($0.value) }
    }
}

extension ProcessRecord {
    init(_ process: Process) {
        generation = process.id.generation
        socket = process.socket.generation
        pid = process.pid ?? 0
        readyAt = process.readyAt
        stage = readyAt == nil ? .starting : .ready
        startedAt = process.startedAt
        fingerprint = process.plan.fingerprint
        database = process.plan.database
        place = process.plan.place
        version = process.version
    }

    /// One that soaks has to prove itself to the next master, too.
    init(_ newcomer: Newcomer) {
        self.init(newcomer.process)
        (readyAt, stage) = (nil, .starting)
    }

    init(_ departure: Departure) {
        self.init(departure.process)
        stage =
            switch departure.phase {
            case .draining: .draining
            case .terminating: .terminating
            case .aborting: .aborting
            }
    }

    func process(of user: UserName) -> Process {
        var process = Process(
            id: WorkerID(user: user, generation: generation), socket: SocketID(user: user, generation: socket),
            plan: PlanIdentity(fingerprint: fingerprint, database: database, place: place), version: version,
            startedAt: startedAt)
        process.pid = pid == 0 ? nil : pid
        process.readyAt = readyAt
        return process
    }
}
