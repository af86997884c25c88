// What is due of a user, and when: the deadlines lie in its states, here they are found.

import Shared

extension User {
    /// What a deadline is for, in the order in which things that are due at the same moment are done.
    private enum Due {
        case ready, place, soak
        case pulse(UInt64)
        case look(UInt64)
        case kill(UInt64)
        case patience, repair, retry
    }

    /// When the next thing is due.
    var deadline: Instant? { next?.at }

    private var next: (at: Instant, due: Due)? {
        var next: (at: Instant, due: Due)?
        func add(_ at: Instant?, _ due: Due) {
            guard let at else { return }
            if let found = next, found.at <= at { return }
            next = (at, due)
        }
        switch actual {
        case .absent, .queued, .stopping: break
        case .starting(let start):
            add(start.readyBy, .ready)
            add(start.placeUntil, .place)
        case .ready(_, let service):
            if case .checked(let by) = service.comeback { add(by, .ready) }
            add(service.soakEnd, .soak)
        case .swapping(_, .starting(let start)):
            add(start.readyBy, .ready)
            add(start.placeUntil, .place)
        case .swapping(_, .soaking(_, let until)): add(until, .soak)
        case .swapping(_, .proving(_, let checkBy)): add(checkBy, .ready)
        case .waiting: break
        }
        forEachProcess { process in add(process.pulse.silentAt, .pulse(process.id.generation)) }
        forEachDeparture { departure in
            let generation = departure.process.id.generation
            switch departure.phase {
            case .draining(_, let lookAt, _): add(lookAt, .look(generation))
            case .terminating(let killAt), .aborting(let killAt): add(killAt, .kill(generation))
            }
        }
        add(face?.patienceEnd, .patience)
        add(repairAt, .repair)
        switch actual {
        case .waiting(let until): add(until, .retry)
        case .ready(_, let service): add(service.retryAt, .retry)
        case .absent, .queued, .starting, .swapping, .stopping: break
        }
        return next
    }

    private func forEachProcess(_ body: (Process) -> Void) {
        switch actual {
        case .absent, .queued, .waiting: break
        case .starting(let start): body(start.process)
        case .ready(let process, _): body(process)
        case .swapping(let old, let new):
            body(old)
            body(new.process)
        case .stopping(let departure): body(departure.process)
        }
        forEachDeparting { body($0.process) }
    }

    private func forEachDeparture(_ body: (Departure) -> Void) {
        if case .stopping(let departure) = actual { body(departure) }
        forEachDeparting(body)
    }

    /// In the order of their generations.
    private func forEachDeparting(_ body: (Departure) -> Void) {
        guard !departing.isEmpty else { return }
        for departure in departing.values.sorted(by: { $0.process.id.generation < $1.process.id.generation }) {
            body(departure)
        }
    }

    /// Does what is due first, of what is due.
    mutating func expire(_ aim: inout Aim, _ out: inout Outbox) -> Answer? {
        guard let (at, due) = next, at <= out.now else { return nil }
        switch due {
        case .ready: return notReadyInTime(&aim, &out)
        case .place: releasePlace()
        case .soak: return soaked(&aim, &out)
        case .pulse(let generation): suspect(generation, aim, &out)
        case .look(let generation): look(generation, &out)
        case .kill(let generation): kill(generation, &out)
        case .patience: patienceEnded(&out)
        case .repair: repairFace(&out)
        case .retry: retry(&aim, &out)
        }
        return nil
    }

    /// It has been starting for long enough: others may start beside it.
    mutating func releasePlace() {
        let wasUnsaved = isUnsaved
        defer { isUnsaved = wasUnsaved }
        switch actual {
        case .starting(var start):
            start.placeUntil = nil
            actual = .starting(start)
        case .swapping(let old, .starting(var start)):
            start.placeUntil = nil
            actual = .swapping(old: old, new: .starting(start))
        case .absent, .queued, .ready, .swapping, .stopping, .waiting:
            break
        }
    }

    /// The delay is over, or what could not be made is tried again.
    private mutating func retry(_ aim: inout Aim, _ out: inout Outbox) {
        switch actual {
        case .waiting: actual = .absent
        case .ready: editService { $0.retryAt = nil }
        case .absent, .queued, .starting, .swapping, .stopping: break
        }
        reconcile(&aim, &out)
    }
}
