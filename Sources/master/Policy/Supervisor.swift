// The policy of master: from an event to effects. No I/O, no clock, no log.
//
// The Supervisor routes. Each part owns its state and calls no other; only here two of them are known at a time. A user
// takes a step with its aim, and the Supervisor brings what the user occupies in other parts in line with its state. A
// report names the process that it is about by its generation: one about a process that is gone changes nothing.
// Watchers are gossip: a wrong report can cost a worker its place, never master its tables.

import Shared

package struct Supervisor {
    /// In force; changed by `configure` only.
    package internal(set) var configuration: Configuration
    /// What came of the last reading of the file; nil until it has been read again.
    package internal(set) var reading: ConfigurationReading?
    var gate = Threshold(fewest: 5, share: 0.1)
    /// What of the configuration holds for every worker.
    var rules: WorkerRules
    /// What of it goes into the plans of users that have the newest settings.
    var planSettings: PlanSettings
    private let processors: Int

    package private(set) var users: [UserName: User] = [:]
    private var deadlines = Timers<UserName>()
    var watchers: WatcherTable
    package var databases: DatabaseTable
    var moves = Moves()
    var versions = PackageTable()
    package internal(set) var upgrade: Upgrade
    var admission: Admission
    var remedies = RemedyFuse()
    var memory = MemoryRound()
    var deletions: Deletions
    var succession: Succession
    /// What an earlier master has held back, until the boot.
    private var kept: [KeptDeletion]
    /// Adopted processes of which it cannot be told whether they are ready.
    private var unheard: [WorkerID] = []
    package private(set) var isStopping = false
    private(set) var hasFinished = false
    /// The highest number of a user that was forgotten: a namesake goes on from there, so that a late report about the
    /// one is never taken for the other.
    private(set) var lastForgotten: UInt64 = 0
    var out: Outbox

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
        self.processors = processors
        self.upgrade = upgrade
        self.kept = kept.held
        rules = WorkerRules(configuration)
        planSettings = PlanSettings(configuration)
        databases = DatabaseTable(configuration, drained: drained)
        deletions = Deletions(configuration.deletionFuse, kept)
        succession = Succession(holds: holds, versions: versions, remains: remains)
        admission = Admission(limit: Self.startLimit(configuration, processors))
        watchers = WatcherTable(needed: [])
        out = Outbox(seed: seed)
        watchers = WatcherTable(needed: WatcherKind.allCases.filter(isNeeded))
    }

    private static func startLimit(_ configuration: Configuration, _ processors: Int) -> Int {
        configuration.worker.startConcurrency ?? 2 * processors
    }

    var now: Instant { out.now }

    /// The configuration that was installed decides how users are aimed at from now on.
    mutating func take(_ next: Configuration) {
        configuration = next
        rules = WorkerRules(next)
        planSettings = PlanSettings(next)
        admission.install(limit: Self.startLimit(next, processors))
        deletions.install(next.deletionFuse)
    }

    package mutating func step(_ event: Event, now: Instant) -> [Effect] {
        out.begin(now)
        handle(event)
        becomeReadyUnheard()
        admit()
        if out.hasChecks { watchers.need(.dispatch, &out) }
        return out.take { [users] name in users[name].map { .save(UserRecord($0)) } ?? .erase(name) }
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .boot: boot()
        case .tick: while let owner = nextOwner(now) { expire(owner) }
        case .stop: stop()
        case .watcherStarted(let kind, let generation, let pid): watchers.started(kind, generation, pid)
        case .watcherAdopted(let kind, let generation, let pid): watcherAdopted(kind, generation, pid)
        case .watcherSaid(let kind, let generation, let report): watcherSaid(kind, generation, report)
        case .watcherBroke(let kind, let generation, let why): watchers.broke(kind, generation, why, &out)
        case .watcherExited(let kind, let generation, let why): watcherExited(kind, generation, why)
        case .started(let id, let pid): edit(id.user) { $0.started(id, pid) }
        case .startFailed(let id, let why): step(id.user) { $0.startFailed(id, why, &$1, &$2) }
        case .executed(let id): advance(id.user) { $0.executed(id, &$1, &$2) }
        case .executionFailed(let id, let why): edit(id.user) { $0.edit(id) { $0.failure = why } }
        case .notified(let id, let notification): notified(id, notification)
        case .exited(let id, let exit): exited(id, "\(exit)")
        case .probed(let id, let isEmpty): advance(id.user) { $0.probed(id, isEmpty: isEmpty, $1, &$2) }
        case .measured(let id, let memory): step(id.user) { $0.measured(id, memory, $1, $2.now) }
        case .awaited(let socket): admission.awaited(socket)
        case .faceFailed(let name): edit(name) { [now] in $0.faceFailed(now) }
        case .hold(let name, let reason): hold(name, reason)
        case .release(let name): release(name)
        case .restart(let name): advance(name) { $0.restart(&$1, &$2) }
        case .drain(let name): drain(name, true)
        case .undrain(let name): drain(name, false)
        case .rebalance: rebalance()
        case .confirmDeletions(let names): confirmDeletions(names)
        case .upgrade(let order): steerRollout(order)
        case .configure(let file, let isConfirmed): configure(file, isConfirmed: isConfirmed)
        case .configurationFaulty(let why): configurationFaulty(why)
        }
    }

    // MARK: deadlines

    /// The part that a deadline belongs to. What is due at the same moment is done in this order.
    private enum Owner: CaseIterable {
        case watchers, databases, deletions, versions, rollout, memory, progress, users
    }

    /// When `tick` is due.
    package var deadline: Instant? {
        mutating get { Owner.allCases.compactMap { deadline(of: $0) }.min() }
    }

    private mutating func deadline(of owner: Owner) -> Instant? {
        switch owner {
        case .watchers: watchers.deadline
        case .databases: databases.deadline
        case .deletions: deletions.deadline
        case .versions: succession.deadline
        case .rollout: upgrade.rollout?.deadline
        case .memory: memory.deadline
        case .progress: admission.deadline
        case .users: deadlines.next
        }
    }

    private mutating func nextOwner(_ now: Instant) -> Owner? {
        var first: (at: Instant, owner: Owner)?
        for owner in Owner.allCases {
            guard let at = deadline(of: owner), at <= now else { continue }
            if let found = first, found.at <= at { continue }
            first = (at, owner)
        }
        return first?.owner
    }

    private mutating func expire(_ owner: Owner) {
        switch owner {
        case .watchers: watchers.expire(&out)
        case .databases: databaseDue()
        case .deletions: deletionDue()
        case .versions: keepVersions()
        case .rollout: rolloutDue()
        case .memory: measureSome()
        case .progress: tellProgress()
        case .users:
            guard let name = deadlines.popDue(now) else { return }
            step(name) { $0.expire(&$1, &$2) }
        }
    }

    // MARK: begin and end

    private mutating func boot() {
        if !databases.isEmpty { databases.awaitWords(configuration.databaseCheck, now) }
        watchers.boot(&out)
        for deletion in kept { restore(deletion) }
        kept = []
    }

    /// The ordered end: workers first, then the watchers, then master.
    private mutating func stop() {
        guard !isStopping else { return }
        isStopping = true
        watchers.stop()
        // No master is there any more when the time for it has come.
        if succession.deadline != nil { keepVersions() }
        for name in succession.remains.keys.sorted() { endRemains(of: name) }
        out.note("stopping \(users.count) users", rule: "stop")
        for name in users.keys.sorted() { advance(name) { $0.dismiss($1, &$2) } }
        endWhenEmpty()
    }

    /// Goes on with the ordered end when the last worker is gone.
    private mutating func endWhenEmpty() {
        guard isStopping, users.isEmpty else { return }
        watchers.end(&out)
        finishWhenAlone()
    }

    mutating func finishWhenAlone() {
        guard isStopping, users.isEmpty, !hasFinished, watchers.areAllGone else { return }
        hasFinished = true
        out.emit(.finish)
    }

    // MARK: one user

    mutating func add(_ user: User) {
        users[user.name] = user
    }

    /// Lets a user take a step, and does what comes of it.
    mutating func step(
        _ name: UserName, _ body: (inout User, inout Aim, inout Outbox) -> Answer?
    ) {
        guard let index = users.index(forKey: name) else { return }
        // Taken out for the step: a copy of a user is a hundred times as dear.
        var user = User.blank
        swap(&user, &users.values[index])
        var aim = aim(of: user)
        let before = user.claims
        let answer = body(&user, &aim, &out)
        if aim.limits.memory != LimitSettings.unlimited, aim.wanted == .up, case .ready = user.actual {
            memory.ensure(now)
        }
        settle(&user, index, before)
        if let answer { follow(name, answer) }
    }

    /// The same, for a step of which nothing can come for other parts.
    mutating func advance(_ name: UserName, _ body: (inout User, inout Aim, inout Outbox) -> Void) {
        step(name) { user, aim, out -> Answer? in
            body(&user, &aim, &out)
            return nil
        }
    }

    /// Changes what is known of a user; no step follows from it.
    mutating func edit(_ name: UserName, _ body: (inout User) -> Void) {
        guard let index = users.index(forKey: name) else { return }
        var user = User.blank
        swap(&user, &users.values[index])
        let before = user.claims
        body(&user)
        settle(&user, index, before)
    }

    mutating func reconcileAll() {
        for name in users.keys.sorted() { advance(name) { $0.reconcile(&$1, &$2) } }
    }

    /// Brings the other parts in line with what a user occupies now, and puts it back in its place.
    private mutating func settle(_ user: inout User, _ index: Dictionary<UserName, User>.Index, _ before: Claims) {
        user.stamp(now)
        let isGone = (user.isDeleted || isStopping) && !user.hasProcesses
        if user.isUnsaved || isGone { out.save(user.name) }
        user.isUnsaved = false
        let after = isGone ? Claims() : user.claims
        if before.version != after.version || before.formerVersion != after.formerVersion { keepVersionsSoon() }
        if after != before || after.isQueued || after.isReturning { settle(user, before, after) }
        if isGone {
            deadlines.cancel(user.name)
            users.remove(at: index)
            return forget(user)
        }
        if after.deadline != before.deadline || !deadlines.isSet(user.name) {
            if let deadline = after.deadline {
                deadlines.set(user.name, at: deadline)
            } else {
                deadlines.cancel(user.name)
            }
        }
        swap(&user, &users.values[index])
    }

    private mutating func settle(_ user: User, _ before: Claims, _ after: Claims) {
        if after.isQueued {
            admission.ask(user.name, user.settings.plan, on: user.database)
        } else if before.isQueued {
            admission.withdraw(user.name, &out)
        }
        if after.isReturning {
            admission.askReturn(user.name, user.settings.plan, on: user.database)
        } else if before.isReturning {
            admission.withdrawReturn(user.name)
        }
        if let place = before.place, place != after.place { admission.release(place) }
        if let place = after.place, place != before.place { admission.occupy(place) }
        for (id, database) in before.arriving where !after.arriving.contains(where: { $0.id == id }) {
            databases.arrival(id, on: database, isNew: false)
        }
        for (id, database) in after.arriving where !before.arriving.contains(where: { $0.id == id }) {
            databases.arrival(id, on: database, isNew: true)
        }
        if before.isBeingReplaced && !after.isBeingReplaced { remedies.done(user.name) }
    }

    /// The last process of a user that was deleted, or of one at the end of master, has ended.
    private mutating func forget(_ user: User) {
        lastForgotten = max(lastForgotten, user.generation)
        if user.version != nil { keepVersionsSoon() }
        databases.move(from: user.database, to: nil)
        moves.remove(user.name)
        upgrade.rollout?.remove(user.name)
        let weight = isStopping && users.count > admission.limit ? Happening.Weight.crowd : .routine
        out.note("gone", rule: isStopping ? "stop" : "deluser", user: user.name, weight: weight)
        endWhenEmpty()
    }

    /// Does what a user asks for.
    private mutating func follow(_ name: UserName, _ answer: Answer) {
        switch answer {
        case .proved: upgrade.rollout?.finished(name)
        case .trialFailed(let why):
            _ = trialFailed(name, why)
            advance(name) { $0.reconcile(&$1, &$2) }
        case .swapFailed(let plan, let why):
            if !trialFailed(name, why) { advance(name) { $0.swapFailed(plan, why, &$2) } }
            advance(name) { $0.reconcile(&$1, &$2) }
        case .died(let death): mourn(name, death)
        case .isSick(let complaint): remedy(name, complaint)
        case .isUnheard(let id): unheard.append(id)
        }
    }

    private mutating func mourn(_ name: UserName, _ death: Death) {
        diedOnTheWay(name, death)
        var crashLoop: RestartDecision?
        advance(name) { user, aim, out in
            let decision = user.count(death, aim, &out)
            if decision.beginsCrashLoop {
                crashLoop = decision
            } else {
                user.startAgain(after: decision, death, &aim, &out)
            }
        }
        guard let crashLoop else { return }
        relapsed(name, death)
        advance(name) { $0.startAgain(after: crashLoop, death, &$1, &$2) }
    }

    private mutating func remedy(_ name: UserName, _ complaint: Complaint) {
        switch remedies.admit(name, of: users.count) {
        case .admitted:
            edit(name) { $0.isBeingReplaced = true }
            advance(name) { $0.cure(complaint, &$1, &$2) }
        case .refused: break
        case .blown(let limit):
            let text = "already replacing \(limit) users (the limit); further replacements wait"
            out.note(text, rule: "check-fuse", weight: .warning)
        }
    }

    /// Takes those as ready that could not tell: once their users are in the tables again.
    private mutating func becomeReadyUnheard() {
        let waiting = unheard
        unheard = []
        for id in waiting {
            advance(id.user) { $0.becameReady(id, "it was starting when master was replaced", &$1, &$2) }
        }
    }

    private mutating func notified(_ id: WorkerID, _ notification: Notification) {
        switch notification {
        case .ready:
            if users[id.user] == nil, succession.becameReady(id, now) { return }
            advance(id.user) { $0.becameReady(id, "READY=1", &$1, &$2) }
        case .heartbeat: advance(id.user) { $0.beat(id, $1, $2.now) }
        case .status(let text): edit(id.user) { $0.edit(id, isSaved: false) { $0.ownStatus = text } }
        }
    }

    private mutating func exited(_ id: WorkerID, _ how: String) {
        if users[id.user] == nil, succession.ended(id, how) { return answerForDead(id.user) }
        step(id.user) { $0.ended(id, how, &$1, &$2) }
    }
}
