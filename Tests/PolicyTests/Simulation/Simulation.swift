// A world around the Supervisor: a kernel, workers, the keeper, dispatch, dbwatch and pathwatch that do what its effects
// ask for, or fail to, by chance and on their own time. Nothing here is a process or a clock; a seed repeats a run.

import Shared

@testable import Policy

final class Simulation {
    /// A worker as the kernel knows it.
    struct Worker {
        let socket: SocketID
        let plan: WorkerPlan
        /// Whether launch has told of it.
        var isTold = false
        /// Signals that wait for that.
        var signals: [Int32] = []
        /// Whether it accepts and answers.
        var isServing = false
        var isTerminated = false
    }

    /// What is going to happen by itself.
    enum Incident {
        case event(Event)
        case exit(WorkerID, Exit)
        /// Launch answers.
        case launched(WorkerID)
        /// The worker has loaded its program.
        case loaded(WorkerID)
        case report(WatcherKind, generation: UInt64, WatcherReport)
        /// Dispatch checks the workers that it was told to check.
        case round
    }

    static let names = [alice, bob, UserName("carol") ?? UserName()]
    static let databases = ["a", "b"]

    var supervisor: Supervisor
    /// The configuration file.
    var configuration: Configuration
    /// Whether workers were ever taken as ready as soon as their program ran.
    var wasTrusted = false
    /// More may be starting than a new configuration allows, as long as they were before.
    var allowance = 0
    var now = Instant(nanoseconds: 1_000_000_000)
    var chance: SplitMix64
    /// From now on workers and watchers do what is asked for, at once.
    var isCalm = false

    var held: Set<SocketID> = []
    /// Sockets that could not be made.
    var unmade: Set<SocketID> = []
    var everOpened: Set<SocketID> = []
    /// Whether the keeper goes on with a new master.
    var isKeeperAdopted = false
    /// Sockets of an earlier master that its successor did not get.
    var lost: Set<SocketID> = []
    var links: [UserName: SocketID] = [:]
    /// Users whose link is not where it should be.
    var brokenLinks: Set<UserName> = []
    var watched: Set<SocketID> = []
    /// Sockets on which the keeper answers.
    var answering: Set<SocketID> = []
    /// Watchers that hang, and since when.
    var hanging: [WatcherKind: (generation: UInt64, since: Instant)] = [:]
    var workers: [WorkerID: Worker] = [:]
    var everStarted: Set<WorkerID> = []
    /// What dispatch was told to check.
    var orders: [WorkerID: CheckOrder] = [:]
    var files: [UserName: UserSettings] = [:]
    var databaseStates: [String: DatabaseState] = [:]
    /// Of every database: room for one or two new connections, or not known.
    var maxConnections: Int? { [2, 3, nil][Int(seed % 7) % 3] }
    /// How many were arriving on each, and how many workers had been adopted, after the last step.
    var arrivals: [String: Int] = [:]
    var adopted = 0
    /// Databases that the operator has taken out of use.
    var drained: Set<String> = []
    /// What is written down for the next master.
    var saved: [UserName: UserRecord] = [:]
    var holds: [UserName: String] = [:]
    var kept = KeptDeletions()
    var versions: [UserName: KeptVersion] = [:]
    /// STATE/upgrade.
    var upgrade: [UInt8] = []
    /// What was to be kept when the ordered end began.
    var lastWill: (versions: [UserName: KeptVersion], deletions: KeptDeletions)?
    var versionsLag = Lag()
    var deletionsLag = Lag()
    /// Workers that this master has started.
    var everAdmitted: Set<WorkerID> = []
    /// Workers whose database was away while they were starting.
    var lowered: Set<WorkerID> = []
    /// Workers that were there after the last event.
    var formerlyAlive: Set<WorkerID> = []
    /// Workers whose program runs.
    var executed: Set<WorkerID> = []
    /// Workers to which SIGKILL was sent.
    var killed: Set<WorkerID> = []
    /// How many were between two versions after the last step.
    var underway = 0
    /// The rollouts that have been stopped, by when they began.
    var stops: Set<Instant> = []
    /// The version on which a user was started last.
    var lastVersions: [UserName: String] = [:]
    /// The versions that are there, with what tells them from others of the name.
    var published = ["1": UInt64(1)]
    var currentVersion: String? = "1"

    var unservedSince: [UserName: Instant] = [:]
    var trace: [Step] = []
    /// Whether anything worth telling has happened since the tables were looked through.
    private var hasHappened = false
    var violations: [Violation] = []
    /// The steps before the first violation.
    var report = ""
    var agenda: [(at: Instant, incident: Incident)] = []
    private var lastPID: Int32 = 100
    /// Far more than any seed needs: what goes on and on is a fault, and not to be waited for.
    static let mostSteps = 20_000
    private(set) var steps = 0

    let seed: UInt64
    /// With none, each change of the configuration concerns too many.
    var mostAtOnce: Int { seed % 2 == 0 ? 0 : 5 }

    init(seed: UInt64) {
        self.seed = seed
        chance = SplitMix64(seed: seed)
        configuration = Self.configuration(seed)
        supervisor = Supervisor(configuration, processors: 2, holds: [:], seed: seed)
        supervisor.gate.fewest = mostAtOnce
        wasTrusted = isTrusted
        upgrade = upgradeBytes
        send(.boot)
        plan(.round, in: .seconds(1))
    }

    static func configuration(_ seed: UInt64) -> Configuration {
        var configuration = Configuration()
        configuration.runtime = "/run/steward"
        configuration.users = "/srv/users"
        configuration.databases = databases.map(database)
        configuration.worker.startConcurrency = Int(seed % 3) + 1
        configuration.worker.swap = seed % 5 == 0 ? .stopFirst : .overlap
        if seed % 3 > 0 { configuration.packages = "/srv/packages" }
        configuration.upgrade.free = [.stay, .onRestart, .follow][Int(seed / 3 % 3)]
        configuration.upgrade.canary = Int(seed / 2 % 3)
        configuration.upgrade.parallel = Int(seed % 4 / 2) + 1
        configuration.upgrade.maxFailures = Int(seed / 4 % 2) + 1
        if seed % 7 == 1 { configuration.upgrade.soak = .zero }
        if seed % 4 == 1 { configuration.worker.check.path = "" }
        if seed % 8 == 5 { configuration.worker.heartbeat = .zero }
        if seed % 2 == 0 { configuration.worker.limits.memory = 1 << 20 }
        configuration.worker.readyTimeout = .seconds(20)
        configuration.worker.stopTimeout = .seconds(10)
        return configuration
    }

    // MARK: time

    /// Lets the world go on for so long.
    func run(_ duration: Duration) {
        let end = now + duration
        while steps < Self.mostSteps, let next = [supervisor.deadline, agenda.first?.at].compactMap({ $0 }).min(),
            next <= end
        {
            now = max(now, next)
            happen()
            if let deadline = supervisor.deadline, deadline <= now { send(.tick) }
            judgeService()
        }
        now = end
    }

    /// Master is stopped for so long, and no other process is; that no user is served meanwhile is not its fault.
    func freeze(_ duration: Duration) {
        now = now + duration
        unservedSince = [:]
        // What was not asked for meanwhile does not count.
        hanging = hanging.mapValues { ($0.generation, now) }
        send(.tick)
    }

    func plan(_ incident: Incident, in duration: Duration) {
        let at = now + duration
        let index = agenda.firstIndex { $0.at > at } ?? agenda.endIndex
        agenda.insert((at, incident), at: index)
    }

    private func happen() {
        while let (at, incident) = agenda.first, at <= now {
            agenda.removeFirst()
            switch incident {
            case .event(let event): send(event)
            case .exit(let id, let exit): end(id, exit)
            case .launched(let id): answerStart(id)
            case .loaded(let id): load(id)
            case .report(let kind, let generation, let report):
                send(.watcherSaid(kind, generation: generation, report))
            case .round: checkEverybody()
            }
        }
    }

    func roll(_ sides: Int) -> Int {
        Int(chance.next() % UInt64(sides))
    }

    func nextPID() -> Int32 {
        lastPID += 1
        return lastPID
    }

    /// Bad luck, which calm times do not know.
    func fails(oneIn sides: Int) -> Bool {
        !isCalm && roll(sides) == 0
    }

    // MARK: the Supervisor

    func send(_ event: Event) {
        var events = [event]
        while !events.isEmpty {
            let event = events.removeFirst()
            steps += 1
            guard steps < Self.mostSteps else { return expect(false, .bounded, "\(event)") }
            note(.event(event))
            if event == .stop { lastWill = (supervisor.keptVersions, supervisor.keptDeletions) }
            let effects = supervisor.step(event, now: now)
            judgeOrder(effects)
            if case .executed(let id) = event { executed.insert(id) }
            for effect in effects {
                note(.effect(effect))
                events += perform(effect)
            }
            if hasHappened { judgeRecords() }
        }
        judgePlaces()
        judgeWatchers()
        if hasHappened { judgeBelongings() }
        hasHappened = false
    }

    private func note(_ content: Step.Content) {
        guard let step = Step(at: now, content) else { return }
        hasHappened = true
        trace.append(step)
        if trace.count > 1000 { trace.removeFirst(500) }
    }
}
