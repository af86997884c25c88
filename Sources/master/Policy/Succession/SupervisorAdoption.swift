// What an earlier master has left, and how its users come under this one.
//
// Nothing that runs well is touched: a process is taken as the record says, and what has to change about it follows from
// the user's settings when pathwatch has reported them. Until then it runs on, and its end is only noted.

import Shared

/// What is left of a user: the last record of it, and what is there now.
package struct Remains: Equatable, Sendable {
    package var record: UserRecord
    /// Where the link points; nil where it leads nowhere.
    package var face: Face?
    /// The user's listening sockets that are held.
    package var sockets: Set<SocketID> = []
    /// Recorded processes that are gone, by generation, and how they ended.
    package var ends: [UInt64: String] = [:]

    package init(
        record: UserRecord, face: Face? = nil, sockets: Set<SocketID> = [], ends: [UInt64: String] = [:]
    ) {
        (self.record, self.face, self.sockets, self.ends) = (record, face, sockets, ends)
    }
}

extension Supervisor {
    /// Whether an event was about a user who is not known yet.
    mutating func concernsRemains(_ event: Event) -> Bool {
        switch event {
        case .exited(let id, let exit):
            guard users[id.user] == nil, remains[id.user] != nil else { return false }
            remains[id.user]?.ends[id.generation] = "\(exit)"
            answerForDead(id.user)
            return true
        case .notified(let id, .ready):
            guard users[id.user] == nil, let left = remains[id.user] else { return false }
            for index in left.record.processes.indices where left.record.processes[index].generation == id.generation {
                remains[id.user]?.record.processes[index].becameReady(now)
            }
            return true
        case .boot, .tick, .stop, .watcherStarted, .watcherAdopted, .watcherSaid, .watcherBroke, .watcherExited,
            .started, .startFailed, .executed, .executionFailed, .notified, .probed, .measured, .faceFailed, .awaited,
            .hold, .release, .restart, .drain, .undrain, .rebalance, .upgrade, .confirmDeletions, .configure,
            .configurationFaulty:
            return false
        }
    }

    /// The database on which the user works already: its choice stays.
    mutating func keepDatabase(_ user: inout User, _ left: Remains) {
        let present = left.record.processes.last { left.ends[$0.generation] == nil && $0.stage <= .ready }
        guard let name = left.record.database ?? present?.database, databases[name] != nil else { return }
        user.database = name
        databases[name]?.users += 1
    }

    /// Takes over what is left of a user.
    mutating func adopt(_ user: inout User, _ left: Remains) {
        user.generation = max(user.generation, left.record.generation)
        user.restarts = left.record.restarts
        user.history = left.record.history
        if let fingerprint = left.record.failedPlan {
            user.failedPlan = plan(for: user).identity
            user.failedPlan?.fingerprint = fingerprint
        }
        if user.failedPlan != nil { user.swapFailure = "they did before master was replaced" }
        user.face = left.face
        let alive = left.record.processes.filter { left.ends[$0.generation] == nil }
        // On a socket that is lost to master nobody could be restarted.
        let lost = alive.filter { !left.sockets.contains($0.process(of: user.name).socket) }
        let usable = alive.filter { !lost.contains($0) }
        let serving = usable.last { $0.stage == .ready }
        let fresh = usable.last { $0.stage == .starting && $0.generation > serving?.generation ?? 0 }
        for record in alive where record != serving && record != fresh { adoptLeaving(&user, record) }
        if let face = user.face, !left.sockets.contains(face.socket) { user.face = nil }
        adoptPresent(&user, serving, fresh)
        let isAlone = serving == nil && fresh == nil
        let dead = left.record.processes.last {
            isAlone && left.ends[$0.generation] != nil && !$0.isLeaving
        }
        for socket in left.sockets.sorted(by: { $0.generation < $1.generation })
        where socket.generation != dead?.socket && socket != left.face?.socket {
            retireUnused(user, socket, .restarting)
        }
        if isAlone { adoptDeath(&user, left, dead) }
    }

    private mutating func adoptPresent(_ user: inout User, _ serving: ProcessRecord?, _ fresh: ProcessRecord?) {
        let old = serving?.process(of: user.name)
        let new = fresh?.process(of: user.name)
        switch (old, new) {
        case (let old?, let new?): user.actual = .swapping(old: old, new: new)
        case (let old?, nil): user.actual = .ready(old)
        case (nil, let new?): user.actual = .starting(new)
        case (nil, nil): return
        }
        if let present = old ?? new { user.recall(since: present.readyAt ?? present.startedAt) }
        adopted += [old, new].count { $0 != nil }
        note("adopted: pid \((old ?? new)?.pid ?? 0)", rule: "adopt", user: user.name, weight: .crowd)
        if let old {
            if user.face?.standIn == nil, user.face?.socket != old.socket, isServed(user) { serve(&user, old) }
            if user.face?.standIn == nil { orderCheck(user, old, awaitsReady: false) }
        }
        if let new { adoptStarting(user, new) }
        if old == nil { ensureFace(&user) }
    }

    /// It needs no place among the starting ones: it has been admitted once.
    private mutating func adoptStarting(_ user: User, _ process: Process) {
        arrives(process)
        timers.set(.ready(process.id), at: now + configuration.worker.readyTimeout)
        if checkSettings(user, process).isWanted {
            orderCheck(user, process, awaitsReady: true)
        } else {
            // Its READY=1 may have come while nobody was there to read it.
            unheard.append(process.id)
        }
    }

    private mutating func adoptLeaving(_ user: inout User, _ record: ProcessRecord) {
        let process = record.process(of: user.name)
        switch record.stage {
        case .starting, .ready, .draining:
            depart(&user, process, drains: true)
        case .terminating, .aborting:
            user.departing[process.id.generation] = Departure(process: process, phase: .terminating)
            let limit = record.stage == .aborting ? Self.abortTimeout : configuration.worker.stopTimeout
            timers.set(.kill(process.id), at: now + limit)
        }
    }

    /// Nobody is there: the last one died while no master was, or a delay goes on.
    private mutating func adoptDeath(_ user: inout User, _ left: Remains, _ dead: ProcessRecord?) {
        if let dead, let how = left.ends[dead.generation] {
            died(&user, dead.process(of: user.name), how)
        } else if let until = left.record.waitsUntil, until > now {
            user.actual = .waiting(until: until)
            timers.set(.restart(user.name), at: until)
            if user.history.isCrashLooping { standIn(&user, .crashLooping) } else { ensureFace(&user) }
        }
    }

    /// Takes those as ready who could not tell: once their users are in the tables again.
    mutating func becomeReadyUnheard() {
        let waiting = unheard
        unheard = []
        for id in waiting { becameReady(id, "it was starting when master was replaced") }
    }

    /// Ends what is left of a user who is gone.
    mutating func bury(_ name: UserName) {
        recordedVersions[name] = nil
        guard let left = remains.removeValue(forKey: name) else { return }
        var settings = UserSettings()
        settings.name = name
        var user = User(settings: settings, since: now)
        user.isDeleted = true
        keepDatabase(&user, left)
        users[name] = user
        note("deleted while no master ran", rule: "deluser", user: name)
        update(name) { supervisor, user in
            supervisor.adopt(&user, left)
            if user.face == nil { supervisor.emit(.unlink(name)) }
            supervisor.dismiss(&user)
        }
    }
}

extension ProcessRecord {
    /// Whether it was on its way out, so that its end is no death.
    fileprivate var isLeaving: Bool {
        switch stage {
        case .draining, .terminating: true
        case .starting, .ready, .aborting: false
        }
    }

    fileprivate mutating func becameReady(_ now: Instant) {
        guard stage == .starting else { return }
        stage = .ready
        readyAt = now
    }
}

extension ProcessRecord.Stage: Comparable {
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
