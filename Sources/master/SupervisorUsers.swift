// Users come, change and go; what the operator wants of them.

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
            let kept = recordedVersions.filter { present.contains($0.key) || remains[$0.key] != nil }
            if kept.count < recordedVersions.count { keepVersionsSoon() }
            recordedVersions = kept
            tellUnreportedVersions()
            missing(from: present)
            judgeFound()
            followCurrent()
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
            let (before, plan) = (supervisor.aim(user), supervisor.plan(for: user).identity)
            let isNewWish = user.settings.database != settings.database
            let isUnpinned = user.settings.package != nil && supervisor.follows(settings)
            user.settings = settings
            supervisor.assignDatabase(&user, isNewWish: isNewWish)
            if isUnpinned { user.version = supervisor.versionInForce ?? user.version }
            supervisor.chooseVersion(&user)
            if supervisor.plan(for: user).identity != plan { user.keptPlan = nil }
            let consequence = isBack ? Consequence.start : Consequence(from: before, to: supervisor.aim(user))
            supervisor.note(isBack ? "added again" : "changed: \(consequence)", rule: "moduser", user: name)
            supervisor.carryOut(consequence, &user)
            supervisor.joinRollout(user)
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
            supervisor.keepAsFound(&user)
            supervisor.enrol(user)
            supervisor.reconcile(&user)
            supervisor.joinRollout(user)
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
            for (_, departure) in user.departing.sorted(by: { $0.key < $1.key }) {
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
        upgrade.rollout?.remove(user.name)
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
}
