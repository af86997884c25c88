// The loop of dispatch: orders, sockets and deadlines go to the roster, and its effects are performed.
//
// What a worker does can only become its verdict. Errors of the channel end the process; master starts another.

import Glibc
import Shared
import SharedSystem

final class Dispatcher {
    private enum Source {
        case station
        case probe(WorkerID)
    }

    private let poller: Poller<Source>
    private let station: Station<ToDispatch, FromDispatch>
    private var roster: CheckRoster
    private var probes: [WorkerID: Probe] = [:]
    private var deadlines = Timers<WorkerID>()
    private var lag = LagMeter()
    private var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    /// How many reports there were, and the last of them.
    private var reported: (count: Int, last: CheckVerdict?) = (0, nil)

    init(_ station: Station<ToDispatch, FromDispatch>) throws {
        self.station = station
        poller = try Poller()
        roster = CheckRoster(reportsAll: station.isByHand)
        try station.join(poller, as: .station)
    }

    /// - Parameter reports: ends after so many reports; nil runs until the channel ends.
    /// - Returns: the last report.
    func run(reports: Int? = nil) throws -> CheckVerdict? {
        while reports.map({ reported.count < $0 }) ?? true {
            let planned = plan(.now())
            let ready = try poller.wait(until: planned)
            let now = Instant.now()
            lag.note(planned: planned, now: now)
            for (source, _, readiness) in ready { try serve(source, readiness, now) }
            while let worker = deadlines.popDue(now) { try finish(worker, .timeout, now) }
            try perform(roster.begin(now), now)
        }
        return reported.last
    }

    func follow(_ order: ToDispatch) throws {
        try perform(roster.follow(order), .now())
    }

    private func plan(_ now: Instant) -> Instant? {
        let beat = probes.isEmpty ? nil : now + LagMeter.longestWait
        return [roster.next(now), deadlines.next, beat].compactMap { $0 }.min().map { max($0, now) }
    }

    private func serve(_ source: Source, _ readiness: Readiness, _ now: Instant) throws {
        switch source {
        case .station:
            for (order, _) in try station.receive(readiness, poller) { try follow(order) }
        case .probe(let worker):
            if let result = probes[worker]?.read(into: &buffer, now: now) { try finish(worker, result, now) }
        }
    }

    private func perform(_ effects: [CheckRoster.Effect], _ now: Instant) throws {
        for effect in effects {
            switch effect {
            case .begin(let order): try begin(order, now)
            case .cancel(let worker): forget(worker)
            case .report(let verdict):
                reported = (reported.count + 1, verdict)
                try station.report(.verdict(verdict), poller)
            }
        }
    }

    private func begin(_ order: CheckOrder, _ now: Instant) throws {
        do {
            let probe = try Probe(order, now: now)
            try poller.add(probe.socket.number, .readable, as: .probe(order.worker))
            probes[order.worker] = probe
            deadlines.set(order.worker, at: now + order.settings.timeout)
        } catch let error as SystemError where Probe.isOurs(error) {
            station.log.warning("cannot check \(order.worker): \(error)")
            try perform(roster.postpone(order.worker, now: now), now)
        } catch {
            try perform(roster.finish(order.worker, .refused, isTrusted: true, now: now), now)
        }
    }

    /// An answer is an answer, however late this process reads it; a silence counts only where it was listened to.
    private func finish(_ worker: WorkerID, _ result: CheckResult, _ now: Instant) throws {
        guard let probe = forget(worker) else { return }
        let isTrusted = result.outcome != .timeout || lag.isSteady(since: probe.began)
        try perform(roster.finish(worker, result, isTrusted: isTrusted, now: now), now)
    }

    @discardableResult
    private func forget(_ worker: WorkerID) -> Probe? {
        deadlines.cancel(worker)
        guard let probe = probes.removeValue(forKey: worker) else { return nil }
        poller.remove(probe.socket.number)
        return probe
    }
}
