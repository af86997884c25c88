// What an earlier master has left of a user, and how it comes under this one.
//
// Nothing that runs well is touched: a process is taken as the record says, and what has to change about it follows from
// the user's settings. Until the user is reported its processes run on, and their end is only noted.

import Shared

/// What is left of a user: the last record of it, and what is there now.
package struct Remains: Equatable, Sendable {
    package var record: UserRecord
    /// Where the link points; nil where it leads nowhere.
    package var face: Face?
    /// The user's listening sockets that are held.
    package var sockets: Set<SocketID>
    /// Recorded processes that are gone, by generation, and how they ended.
    package var ends: [UInt64: String]

    package init(
        record: UserRecord, face: Face? = nil, sockets: Set<SocketID> = [], ends: [UInt64: String] = [:]
    ) {
        (self.record, self.face, self.sockets, self.ends) = (record, face, sockets, ends)
    }

    /// The database on which the user works already, if its last process still runs or the record says so.
    var database: String? {
        let present = record.processes.last { ends[$0.generation] == nil && $0.stage <= .ready }
        return record.database ?? present?.database
    }

    /// Whether none of its processes is left.
    var isDead: Bool { record.processes.allSatisfy { ends[$0.generation] != nil } }

    mutating func ended(_ generation: UInt64, _ how: String) {
        ends[generation] = how
    }

    mutating func becameReady(_ generation: UInt64, _ now: Instant) {
        for index in record.processes.indices where record.processes[index].generation == generation {
            record.processes[index].becameReady(now)
        }
    }
}

extension User {
    /// Takes over what is left of it.
    mutating func adopt(_ left: Remains, _ aim: inout Aim, _ out: inout Outbox) -> Answer? {
        generation = max(generation, left.record.generation)
        restarts = left.record.restarts
        history = left.record.history
        if let fingerprint = left.record.failedPlan {
            failedPlan = aim.identity
            failedPlan?.fingerprint = fingerprint
            swapFailure = "they did before master was replaced"
        }
        face = left.face
        let alive = left.record.processes.filter { left.ends[$0.generation] == nil }
        // On a socket that is lost to master no process could be restarted.
        let lost = alive.filter { !left.sockets.contains($0.process(of: name).socket) }
        let usable = alive.filter { !lost.contains($0) }
        let serving = usable.last { $0.stage == .ready }
        let fresh = usable.last { $0.stage == .starting && $0.generation > serving?.generation ?? 0 }
        for record in alive where record != serving && record != fresh { adoptLeaving(record, aim, &out) }
        if let face, !left.sockets.contains(face.socket) { self.face = nil }
        let answer = adoptPresent(serving, fresh, aim, &out)
        let isAlone = serving == nil && fresh == nil
        let dead = left.record.processes.last { isAlone && left.ends[$0.generation] != nil && !$0.isLeaving }
        for socket in left.sockets.sorted(by: { $0.generation < $1.generation })
        where socket.generation != dead?.socket && socket != left.face?.socket {
            retireUnused(socket, .restarting, &out)
        }
        return isAlone ? adoptDeath(left, dead, &aim, &out) : answer
    }

    private mutating func adoptPresent(
        _ serving: ProcessRecord?, _ fresh: ProcessRecord?, _ aim: Aim, _ out: inout Outbox
    ) -> Answer? {
        let old = serving?.process(of: name)
        let start = fresh.map { fresh in
            // It needs no place among the starting ones: it has been admitted once.
            var process = fresh.process(of: name)
            process.isArriving = true
            return Start(process: process, readyBy: out.now + aim.rules.readyTimeout)
        }
        switch (old, start) {
        case (let old?, let start?): actual = .swapping(old: old, new: .starting(start))
        case (let old?, nil): actual = .ready(old, Service())
        case (nil, let start?): actual = .starting(start)
        case (nil, nil): return nil
        }
        if let present = actual.first { recall(since: present.readyAt ?? present.startedAt) }
        out.note("adopted: pid \(actual.first?.pid ?? 0)", rule: "adopt", user: name, weight: .crowd)
        if let old {
            if face?.standIn == nil, face?.socket != old.socket, aim.wanted.isServed { serve(old, &out) }
            if face?.standIn == nil { orderCheck(old, awaitsReady: false, aim, &out) }
        }
        defer { if old == nil { ensureFace(&out) } }
        guard let process = start?.process else { return nil }
        // Its READY=1 may have come while no master was there to read it.
        guard aim.check(of: process).isWanted else { return .isUnheard(process.id) }
        orderCheck(process, awaitsReady: true, aim, &out)
        return nil
    }

    private mutating func adoptLeaving(_ record: ProcessRecord, _ aim: Aim, _ out: inout Outbox) {
        let process = record.process(of: name)
        switch record.stage {
        case .starting, .ready, .draining:
            depart(process, drains: true, aim, &out)
        case .terminating, .aborting:
            let limit = record.stage == .aborting ? Self.abortTimeout : aim.rules.stopTimeout
            departing[process.id.generation] = Departure(
                process: process, phase: .terminating(killAt: out.now + limit))
        }
    }

    /// No process is there: the last one died while no master ran, or a delay goes on.
    private mutating func adoptDeath(
        _ left: Remains, _ dead: ProcessRecord?, _ aim: inout Aim, _ out: inout Outbox
    ) -> Answer? {
        if let dead, let how = left.ends[dead.generation] {
            return died(dead.process(of: name), how, &aim, &out)
        }
        if let until = left.record.waitsUntil, until > out.now {
            actual = .waiting(until: until)
            if history.isCrashLooping { standIn(.crashLooping, &out) } else { ensureFace(&out) }
        }
        return nil
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
