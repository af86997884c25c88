// The policy of master: from an event to effects. No I/O, no clock, no log.
//
// What is wanted of a user and what is there are two things; `reconcile` sees the difference and takes the next step
// towards what is wanted. A report names the process that it is about by its generation: one about a process that is
// gone changes nothing. Watchers are gossip: a wrong report can cost a worker its place, never master its tables.

import Shared

package struct Supervisor {
    /// How long a request waits in a socket's backlog before the stand-in answers.
    static let patience = Duration.seconds(2)
    /// How long one start may keep others from starting: some hang.
    static let placeTime = Duration.seconds(5)
    /// From SIGABRT to SIGKILL.
    static let abortTimeout = Duration.seconds(5)

    /// In force; another one comes by `configure` only.
    package var configuration: Configuration
    /// What came of the last reading of the file; nil until it has been read again.
    package var reading: ConfigurationReading?
    var gate = Gate()
    private let processors: Int
    package var users: [UserName: User] = [:]
    package var databases: [String: DatabaseRow] = [:]
    /// The databases of each group, in the order of their names.
    var groups: [String: [String]] = [:]
    var moves = Moves()
    var memoryRound = MemoryRound()
    package var packages = PackageTable()
    package var upgrade: Upgrade
    var watchers: [WatcherKind: Watcher] = [:]
    var timers = Timers<Deadline>()
    /// Processes that are starting, of `startLimit` at most.
    var starting: Set<WorkerID> = []
    var startQueue = StartQueue()
    /// Users whose running workers wait for the check that lets them back.
    var returnQueue = StartQueue()
    /// Queued users on whose sockets a customer is looked for.
    var watched: [UserName: SocketID] = [:]
    /// Users who have been queued in this step.
    var justQueued: [UserName] = []
    /// What is wrong with the files of those who are no users yet.
    package var faults: [UserName: String] = [:]
    /// Users who are being replaced for failed checks.
    var replacing: Set<UserName> = []
    /// Whether it has been told that more would have to be.
    var isFuseBlown = false
    /// Users whom pathwatch has reported since its snapshot began; nil once that is complete.
    var reported: Set<UserName>? = []
    var databasesKnownBy: Instant?
    /// Holds of an earlier master, until their users are reported.
    var holds: [UserName: String]
    /// Versions of its users, until those are reported.
    var recordedVersions: [UserName: KeptVersion]
    /// What it has left of users who are not reported yet.
    package var remains: [UserName: Remains]
    /// Deletions on their way.
    var fuse: DeletionFuse
    /// What an earlier master has held back, until the boot.
    private var kept: [KeptDeletion]
    /// How many of its processes have been taken over.
    package var adopted = 0
    /// Processes among them whose READY=1 may have been lost.
    var unheard: [WorkerID] = []
    package var isStopping = false
    /// The highest number of a user that was forgotten: a namesake goes on from there, so that a late report about the
    /// one is never taken for the other.
    var lastForgotten: UInt64 = 0
    var hasFinished = false
    var now = Instant(nanoseconds: 0)
    /// Users whose records have changed in this step.
    private var unsaved: [Effect] = []
    private var effects: [Effect] = []
    /// Effects that nobody waits for: records, and what dispatch may forget.
    private var afterthoughts: [Effect] = []
    private var chance: SplitMix64

    /// - Parameters:
    ///   - processors: for the default of `start_concurrency`.
    ///   - remains: what an earlier master has left.
    ///   - versions: which version its users ran.
    ///   - upgrade: how far it has come with an upgrade.
    ///   - kept: the deletions that it has held back.
    ///   - drained: databases that the operator has taken out of use.
    ///   - seed: for the jitter of restart delays.
    package init(
        _ configuration: Configuration, processors: Int, holds: [UserName: String], remains: [UserName: Remains] = [:],
        versions: [UserName: KeptVersion] = [:], upgrade: Upgrade = Upgrade(), kept: KeptDeletions = KeptDeletions(),
        drained: Set<String> = [],
        seed: UInt64
    ) {
        self.configuration = configuration
        fuse = kept.fuse(configuration.deletionFuse)
        self.kept = kept.held
        self.holds = holds
        self.remains = remains
        self.processors = processors
        recordedVersions = versions
        self.upgrade = upgrade
        chance = SplitMix64(seed: seed)
        for database in configuration.databases {
            databases[database.name] = DatabaseRow(settings: database)
            databases[database.name]?.isDrained = drained.contains(database.name)
        }
        groupDatabases()
        for kind in WatcherKind.allCases where isNeeded(kind) { watchers[kind] = Watcher() }
    }

    /// How many processes may be starting at a time.
    var startLimit: Int { configuration.worker.startConcurrency ?? 2 * processors }

    /// When `tick` is due.
    package var deadline: Instant? {
        mutating get { timers.next }
    }

    package mutating func step(_ event: Event, now: Instant) -> [Effect] {
        self.now = now
        if !concernsRemains(event) { handle(event) }
        becomeReadyUnheard()
        admit()
        defer {
            unsaved = []
            effects = []
            afterthoughts = []
        }
        return unsaved + effects + afterthoughts
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .boot: boot()
        case .tick: while let deadline = timers.popDue(now) { expire(deadline) }
        case .stop: stop()
        case .watcherStarted(let kind, let generation, let pid): watcherStarted(kind, generation, pid)
        case .watcherAdopted(let kind, let generation, let pid): watcherAdopted(kind, generation, pid)
        case .watcherSaid(let kind, let generation, let report): watcherSaid(kind, generation, report)
        case .watcherBroke(let kind, let generation, let why): watcherBroke(kind, generation, why)
        case .watcherExited(let kind, let generation, let why): watcherExited(kind, generation, why)
        case .started(let id, let pid): started(id, pid)
        case .startFailed(let id, let why): startFailed(id, why)
        case .executed(let id): executed(id)
        case .executionFailed(let id, let why): edit(id) { $0.failure = why }
        case .notified(let id, let notification): notified(id, notification)
        case .exited(let id, let exit): ended(id, "\(exit)")
        case .probed(let worker, let isEmpty): probed(worker, isEmpty)
        case .measured(let id, let memory): measured(id, memory)
        case .awaited(let socket): if watched[socket.user] == socket { startQueue.promote(socket.user) }
        case .faceFailed(let name): timers.set(.face(name), at: now + .seconds(1))
        case .hold(let name, let reason): hold(name, reason)
        case .release(let name): release(name)
        case .restart(let name): restart(name)
        case .drain(let name): drain(name)
        case .undrain(let name): undrain(name)
        case .rebalance: rebalance()
        case .confirmDeletions(let names): confirmDeletions(names)
        case .upgrade(let order): steerRollout(order)
        case .configure(let file, let isConfirmed): configure(file, isConfirmed: isConfirmed)
        case .configurationFaulty(let why): configurationFaulty(why)
        }
    }

    private mutating func expire(_ deadline: Deadline) {
        switch deadline {
        case .ready(let id): notReadyInTime(id)
        case .place(let id): starting.remove(id)
        case .pulse(let id): suspect(id)
        case .soak(let id): soaked(id)
        case .face(let name): update(name) { $0.repairFace($1) }
        case .patience(let name): update(name) { $0.patienceEnded(&$1) }
        case .restart(let name): update(name) { $0.delayEnded(&$1) }
        case .drain(let id): drainOn(id)
        case .kill(let id): emit(.signal(id, Signal.kill, leaderOnly: false))
        case .databases: reconcileAll()
        case .move(let database): moveTimeCame(database)
        case .calm(let database): databaseCalmed(database)
        case .ping: pingWatchers()
        case .watcher(let kind): startWatcher(kind)
        case .watchersGone: killWatchers()
        case .progress: tellProgress()
        case .memory: measureSome()
        case .deletions: judgeDeletions()
        case .doubts: judgeDoubts()
        // What is due is seen to in every step.
        case .aside: break
        case .keepDeletions: emit(.keepDeletions)
        case .keepVersions: emit(.keepVersions(keptVersions))
        }
    }

    private mutating func boot() {
        if !databases.isEmpty { awaitDatabases() }
        for kind in WatcherKind.allCases where watchers[kind]?.state == .waiting { startWatcher(kind) }
        timers.set(.ping, at: now + Watcher.pingInterval)
        restoreDeletions(kept)
        kept = []
    }

    /// The ordered end: workers first, then the watchers, then master.
    private mutating func stop() {
        guard !isStopping else { return }
        isStopping = true
        // Nobody is there any more when the time for it has come.
        if timers.isSet(.keepVersions) { emit(.keepVersions(keptVersions)) }
        timers.cancel(.keepVersions)
        for name in remains.keys.sorted() { bury(name) }
        note("stopping \(users.count) users", rule: "stop")
        for name in users.keys.sorted() {
            update(name) { $0.dismiss(&$1) }
        }
        endWhenEmpty()
    }

    /// Goes on with the ordered end when the last worker is gone.
    mutating func endWhenEmpty() {
        guard isStopping, users.isEmpty else { return }
        dismissWatchers()
    }

    // MARK: for the parts of the Supervisor

    mutating func emit(_ effect: Effect) {
        effects.append(effect)
    }

    /// After everything else of this step: the next start, above all.
    mutating func emitLast(_ effect: Effect) {
        afterthoughts.append(effect)
    }

    mutating func note(
        _ text: String, rule: String, user: UserName? = nil, subject: String? = nil,
        weight: Happening.Weight = .routine
    ) {
        emitLast(.record(Happening(user: user, subject: subject, text: text, rule: rule, weight: weight)))
    }

    /// Changes one user; `body` must not reach for the same user through the supervisor.
    mutating func update(_ name: UserName, _ body: (inout Supervisor, inout User) -> Void) {
        guard var user = users.removeValue(forKey: name) else { return }
        let versions = (user.version, user.formerVersion)
        body(&self, &user)
        user.stamp(now)
        if versions != (user.version, user.formerVersion) { keepVersionsSoon() }
        if (user.isDeleted || isStopping) && user.processes.isEmpty {
            unsaved.append(.erase(name))
            forgetUser(user)
        } else {
            if user.isUnsaved, unsaved.last != .save(name) { unsaved.append(.save(name)) }
            user.isUnsaved = false
            users[name] = user
        }
    }

    mutating func reconcileAll() {
        for name in users.keys.sorted() { update(name) { $0.reconcile(&$1) } }
    }

    mutating func nextChance() -> Double {
        Double(chance.next() >> 11) / Double(1 << 53)
    }
}

/// Numbers of signals, as in signal(7) on every architecture that Swift runs on.
enum Signal {
    static let abort: Int32 = 6
    static let kill: Int32 = 9
    static let terminate: Int32 = 15
    static let resume: Int32 = 18
}
