// What is wanted of a user, and the next step towards it.

import Shared

extension Supervisor {
    // MARK: reports of pathwatch

    mutating func pathReport(_ report: FromPathwatch) {
        switch report {
        case .adduser(let settings), .moduser(let settings):
            reported?.insert(settings.name)
            setUser(settings)
        case .deluser(let name):
            faults[name] = nil
            deluser(name)
        case .fault(let fault):
            reported?.insert(fault.name)
            isThere(fault.name)
            note("fault: \(fault.text)", rule: "user-file", user: fault.name, weight: .warning)
            if users[fault.name] == nil { faults[fault.name] = fault.text }
            users[fault.name]?.fault = fault.text
        case .faultless(let name):
            faults[name] = nil
            guard users[name]?.fault != nil else { return }
            users[name]?.fault = nil
            note("its files are right again", rule: "user-file", user: name)
        case .complete:
            guard let present = reported else { return }
            reported = nil
            faults = faults.filter { present.contains($0.key) }
            recordedVersions = recordedVersions.filter { present.contains($0.key) || remains[$0.key] != nil }
            tellUnreportedVersions()
            missing(from: present)
        case .folder(let report):
            folderReport(report)
        case .package(let manifest): packageReport(manifest)
        case .packageFault(let fault): packageFault(fault)
        case .packageGone(let version): packageGone(version.text)
        case .currentPackage(let report): currentPackage(report)
        case .begin:
            reported = []
            packages.beginReports()
        // The file is the loop's business.
        case .configuration:
            break
        }
    }

    private mutating func setUser(_ settings: UserSettings) {
        guard !isStopping else { return }
        let name = settings.name
        faults[name] = nil
        isThere(name)
        // Who is adopted, or added again, may come with a process on a database that the others are leaving.
        defer { moveOn(name) }
        guard users[name] != nil else { return addUser(settings) }
        update(name) { supervisor, user in
            let isBack = user.isDeleted
            user.fault = nil
            guard isBack || user.settings != settings else { return }
            user.isDeleted = false
            let before = supervisor.aim(user)
            let isNewWish = user.settings.database != settings.database
            user.settings = settings
            supervisor.assignDatabase(&user, isNewWish: isNewWish)
            supervisor.chooseVersion(&user)
            let consequence = isBack ? Consequence.start : Consequence(from: before, to: supervisor.aim(user))
            supervisor.note(isBack ? "added again" : "changed: \(consequence)", rule: "moduser", user: name)
            supervisor.carryOut(consequence, &user)
        }
    }

    mutating func addUser(_ settings: UserSettings) {
        var user = User(settings: settings, since: now)
        user.generation = lastForgotten
        user.hold = holds.removeValue(forKey: settings.name)
        let left = remains.removeValue(forKey: settings.name)
        if let left { keepDatabase(&user, left) }
        recallVersion(&user, left)
        assignDatabase(&user)
        if checkSettings(user).isWanted { need(.dispatch) }
        users[settings.name] = user
        if left == nil { note("added", rule: "adduser", user: settings.name, weight: crowdWeight) }
        update(settings.name) { supervisor, user in
            supervisor.chooseVersion(&user)
            if let left { supervisor.adopt(&user, left) }
            supervisor.reconcile(&user)
        }
    }

    /// New settings are a new chance: a delay ends, a failed swap is forgotten.
    mutating func retryWithNewSettings(_ user: inout User) {
        user.failedPlan = nil
        user.swapFailure = nil
        guard case .waiting = user.actual else { return }
        timers.cancel(.restart(user.name))
        user.history.reset()
        user.actual = .absent
    }

    mutating func delete(_ name: UserName) {
        guard users[name]?.isDeleted == false else { return }
        note("deleted", rule: "deluser", user: name)
        update(name) { supervisor, user in
            user.isDeleted = true
            user.fault = nil
            if user.hold != nil {
                user.hold = nil
                supervisor.emit(.dropHold(name))
            }
            supervisor.dismiss(&user)
        }
    }

    /// Takes the user out of service: its link goes first, so that nobody new is sent to a leaving process.
    mutating func dismiss(_ user: inout User) {
        dequeueStart(user.name)
        returnQueue.remove(user.name)
        for deadline in [Deadline.restart(user.name), .patience(user.name), .face(user.name)] {
            timers.cancel(deadline)
        }
        let actual = user.actual
        user.actual = .absent
        if case .stopping(let departure) = actual {
            user.departing[departure.process.id.generation] = departure
        } else {
            for process in actual.processes { depart(&user, process, drains: !isStopping) }
        }
        if isStopping {
            for departure in user.departing.values {
                if case .draining = departure.phase { terminate(&user, departure.process) }
            }
        }
        guard let face = user.face else { return }
        emit(.unlink(user.name))
        user.face = nil
        retireUnused(user, face.socket, .stopping)
    }

    /// Called when the last process of a dismissed user has ended.
    mutating func forgetUser(_ user: User) {
        lastForgotten = max(lastForgotten, user.generation)
        if user.version != nil { keepVersionsSoon() }
        leaveDatabase(user)
        moves.remove(user.name)
        remedied(user.name)
        let weight = isStopping && users.count > startLimit ? Happening.Weight.crowd : .routine
        note("gone", rule: isStopping ? "stop" : "deluser", user: user.name, weight: weight)
        endWhenEmpty()
    }

    // MARK: orders of the operator

    mutating func hold(_ name: UserName, _ reason: String) {
        update(name) { supervisor, user in
            user.hold = reason
            supervisor.note("held: \(reason)", rule: "hold", user: name)
            supervisor.reconcile(&user)
        }
    }

    mutating func release(_ name: UserName) {
        update(name) { supervisor, user in
            guard user.hold != nil else { return }
            user.hold = nil
            user.history.reset()
            supervisor.note("released", rule: "release", user: name)
            supervisor.reconcile(&user)
        }
    }

    mutating func restart(_ name: UserName) {
        update(name) { supervisor, user in
            supervisor.note("restart asked for", rule: "restart", user: name)
            supervisor.retryWithNewSettings(&user)
            if case .ready = user.actual { user.swapRequest = "restart asked for" }
            supervisor.reconcile(&user)
        }
    }

    // MARK: wanted against actual

    func wanted(_ user: User) -> Wanted {
        if let reason = user.hold { return .down(.held(reason)) }
        if !user.settings.enabled { return .down(.disabled) }
        guard let name = user.database, let row = databases[name] else {
            // Without databases there are none to name.
            guard !databases.isEmpty, let wish = user.settings.database else { return .up }
            return .down(.noDatabase("database \(wish) is not configured"))
        }
        switch row.state {
        case .available:
            return .up
        case .unavailable:
            let cause = row.cause ?? "unknown cause"
            return .down(.databaseUnavailable("database \(name) is unavailable: \(cause)"))
        case .unknown:
            guard let known = databasesKnownBy, now < known else { return .up }
            return .down(.databaseUnknown("waits for the first word about database \(name)"))
        }
    }

    /// Takes the next step from what is there to what is wanted; nothing where they agree.
    mutating func reconcile(_ user: inout User) {
        guard !isStopping, !user.isDeleted else { return }
        switch wanted(user) {
        case .up: raise(&user)
        case .down(let reason): lower(&user, reason)
        }
    }

    private mutating func raise(_ user: inout User) {
        switch user.actual {
        case .absent:
            if mayStart(user) { enqueue(&user) } else { ensureFace(&user) }
        case .queued:
            // It may have been moved to another database since.
            if mayStart(user) {
                enqueueStart(user)
            } else {
                dequeueStart(user.name)
                user.actual = .absent
            }
        case .stopping, .waiting:
            break
        case .starting(let process):
            if isOutdated(process, user) { stopForAnother(&user, process) }
        case .ready(let process):
            ensureMemoryRound(user)
            if mayReplace(process, user) {
                replace(&user, process)
            } else if user.face?.standIn != nil, !timers.isSet(.ready(process.id)) {
                returnQueue.append(user.name, user.settings.plan, on: user.database)
            }
        case .swapping(let old, let new):
            if isOutdated(new, user) {
                abandon(&user, new, keeping: old)
                raise(&user)
            }
        }
    }

    /// Whether there is a reason to replace the process by another one, and something to replace it by.
    func mayReplace(_ process: Process, _ user: User) -> Bool {
        let isOutdated = isOutdated(process, user) && plan(for: user).identity != user.failedPlan
        return (isOutdated || user.swapRequest != nil) && hasVersion(user)
    }

    /// Two processes of one user must never write to two databases, nor run beside each other where that is not wanted.
    private func mayStart(_ user: User) -> Bool {
        hasVersion(user)
            && user.departing.values.allSatisfy {
                configuration.worker.swap == .overlap && isAtHome($0.process, user)
            }
    }

    private mutating func enqueue(_ user: inout User) {
        user.actual = .queued
        ensureFace(&user)
        enqueueStart(user)
    }

    /// A process that is not ready yet has old settings: another takes its place when it is gone.
    private mutating func stopForAnother(_ user: inout User, _ process: Process) {
        note("settings changed while it was starting", rule: "moduser", user: user.name)
        leaveForSuccessor(&user, process)
    }

    /// Whether the process works on the user's database; the same name may have come to lead elsewhere.
    func isAtHome(_ process: Process, _ user: User) -> Bool {
        process.plan.database == user.database && process.plan.place == place(user)
    }

    private mutating func replace(_ user: inout User, _ process: Process) {
        if configuration.worker.swap == .stopFirst || !isAtHome(process, user) {
            user.swapRequest = nil
            standIn(&user, .restarting)
            leaveForSuccessor(&user, process)
        } else {
            enqueueStart(user)
        }
    }

    private mutating func lower(_ user: inout User, _ reason: DownReason) {
        switch reason {
        case .databaseUnknown:
            // A swap that master has adopted goes on.
            if case .swapping = user.actual { break }
            withdraw(&user)
            ensureFace(&user)
        case .databaseUnavailable(let why):
            if user.face?.standIn != .database {
                note("answered by the stand-in: \(why)", rule: "database", user: user.name, weight: .crowd)
            }
            withdraw(&user)
            standIn(&user, .database)
            if case .starting(let process) = user.actual { starting.remove(process.id) }
            if case .ready(let process) = user.actual {
                arrived(process)
                timers.cancel(.ready(process.id))
                emit(.forget(process.id))
            }
        case .noDatabase:
            withdraw(&user)
            standIn(&user, .database)
            endProcess(&user)
        case .held, .disabled:
            withdraw(&user)
            standIn(&user, reason == .disabled ? .disabled : .held)
            endProcess(&user)
        }
    }

    /// Takes back what has only been planned.
    private mutating func withdraw(_ user: inout User) {
        remedied(user.name)
        dequeueStart(user.name)
        returnQueue.remove(user.name)
        switch user.actual {
        case .queued:
            user.actual = .absent
        case .waiting:
            timers.cancel(.restart(user.name))
            user.actual = .absent
        case .swapping(let old, let new):
            abandon(&user, new, keeping: old)
        case .absent, .starting, .ready, .stopping:
            break
        }
    }

    private mutating func endProcess(_ user: inout User) {
        switch user.actual {
        case .starting(let process), .ready(let process): leave(&user, process)
        case .absent, .queued, .swapping, .stopping, .waiting: break
        }
    }
}
