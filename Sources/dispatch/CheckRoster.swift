// Which workers are checked, and what is done with the results. Pure.
//
// Orders and results go in, effects come out. An order takes effect at once: a check that runs for a worker that was
// forgotten or ordered anew is abandoned, and its result dropped.

import Shared
import SharedSystem

struct CheckRoster {
    enum Effect: Equatable {
        case begin(CheckOrder)
        case cancel(WorkerID)
        case report(CheckVerdict)
    }

    /// Whether master waits for a result, whatever it is.
    private enum Inquiry {
        case none
        /// The next result answers it.
        case open
        /// The check that runs began before the question: the one after it answers it.
        case afterRunning
    }

    private struct Entry {
        let order: CheckOrder
        var record: HealthRecord
        var inquiry = Inquiry.none
        /// Results in a row that were thrown away.
        var distrusted = 0
    }

    /// A worker that hangs holds its place for the whole timeout: many have to fit, or a few would hold up all others.
    static let defaultBound = 256
    /// A machine that is always overloaded must not hide a hung worker for ever.
    private static let mostDistrusted = 3
    private static let pauseBeforeRepeat = Duration.milliseconds(200)
    private static let shortestInterval = Duration.milliseconds(100)

    /// Every result is reported: for a check by hand.
    private let reportsAll: Bool
    private var queue: CheckQueue
    private var entries: [WorkerID: Entry] = [:]

    init(bound: Int = defaultBound, reportsAll: Bool = false) {
        queue = CheckQueue(bound: bound)
        self.reportsAll = reportsAll
    }

    mutating func follow(_ order: ToDispatch) -> [Effect] {
        switch order {
        case .check(let order):
            let cancelled = forget(order.worker)
            guard order.settings.isWanted else { return cancelled }
            let record = HealthRecord(order.settings, awaitsReady: order.awaitsReady)
            entries[order.worker] = Entry(order: order, record: record)
            queue.urge(order.worker)
            return cancelled
        case .forget(let worker):
            return forget(worker)
        case .suspect(let worker):
            suspect(worker)
            return []
        }
    }

    /// The checks that are to begin now.
    mutating func begin(_ now: Instant) -> [Effect] {
        var effects: [Effect] = []
        while let worker = queue.take(now) {
            if let entry = entries[worker] { effects.append(.begin(entry.order)) }
        }
        return effects
    }

    /// When `begin` has to be asked again.
    mutating func next(_ now: Instant) -> Instant? {
        queue.next(now)
    }

    /// Takes in the result of a check that was begun.
    ///
    /// - Parameter isTrusted: false where the result may be this process's own fault; the check is repeated.
    mutating func finish(_ worker: WorkerID, _ result: CheckResult, isTrusted: Bool, now: Instant) -> [Effect] {
        guard queue.isRunning(worker), var entry = entries[worker] else { return [] }
        guard isTrusted || entry.distrusted >= Self.mostDistrusted else {
            entries[worker]?.distrusted += 1
            return postpone(worker, now: now)
        }
        entry.distrusted = 0
        let isAsked = reportsAll || entry.inquiry == .open
        let isReported = entry.record.note(result, isAsked: isAsked, now: now)
        if entry.inquiry == .afterRunning {
            entry.inquiry = .open
            queue.urge(worker)
        } else {
            entry.inquiry = .none
            queue.wait(worker, until: Self.due(entry, now))
        }
        entries[worker] = entry
        return isReported ? [.report(Self.verdict(entry, result))] : []
    }

    /// A check that could not be made, and says nothing about the worker.
    mutating func postpone(_ worker: WorkerID, now: Instant) -> [Effect] {
        guard queue.isRunning(worker) else { return [] }
        queue.wait(worker, until: now + Self.pauseBeforeRepeat)
        return []
    }

    private mutating func forget(_ worker: WorkerID) -> [Effect] {
        let wasRunning = queue.isRunning(worker)
        entries[worker] = nil
        queue.remove(worker)
        return wasRunning ? [.cancel(worker)] : []
    }

    private mutating func suspect(_ worker: WorkerID) {
        guard entries[worker] != nil else { return }
        if queue.isRunning(worker) {
            entries[worker]?.inquiry = .afterRunning
        } else {
            entries[worker]?.inquiry = .open
            queue.urge(worker)
        }
    }

    private static func due(_ entry: Entry, _ now: Instant) -> Instant {
        if let haste = entry.record.haste { return now + max(haste, shortestInterval) }
        let interval = max(entry.order.settings.interval, shortestInterval)
        return slot(of: entry.order.worker, every: interval, after: now + interval / 2)
    }

    /// Each worker has its own phase within the interval, so that the checks are spread over it, also when all of them
    /// were ordered at the same time.
    private static func slot(of worker: WorkerID, every interval: Duration, after start: Instant) -> Instant {
        let period = interval.nanoseconds
        let phase = Int64(hash(worker) % UInt64(period))
        let past = (start.nanoseconds - phase) % period
        return Instant(nanoseconds: start.nanoseconds - past + (past > 0 ? period : 0))
    }

    private static func hash(_ worker: WorkerID) -> UInt64 {
        var fingerprint = Fingerprint()
        fingerprint.add(worker.description.utf8)
        return fingerprint.value
    }

    private static func verdict(_ entry: Entry, _ result: CheckResult) -> CheckVerdict {
        var verdict = CheckVerdict()
        verdict.worker = entry.order.worker
        verdict.health = entry.record.health
        verdict.outcome = result.outcome
        verdict.status = result.status
        verdict.latency = result.latency
        return verdict
    }
}
