// The loop of keeper: orders change the holdings, and their effects are performed.
//
// Nothing that a visitor or a worker does, and no socket or pipe that turns out to be of no use, ends the keeper: it
// costs that visitor, socket or pipe. Errors of the channel end it; master starts another and hands it everything.

import Glibc
import Shared

/// What the keeper waits for.
enum Source {
    case station
    case signals
    case listener(WorkerID)
    case visitor(UInt64)
    case output(WorkerID)
}

final class Keeper {
    /// How long a retired socket has to have been empty.
    private static let emptyFor = Duration.milliseconds(200)
    private static let pauseWhenCrowded = Duration.milliseconds(100)
    private static let complaintPeriod = Duration.seconds(60)

    private let station: Station<ToKeeper, FromKeeper>
    private let signals: Signals?
    private let poller: Poller<Source>
    private let reception: Reception
    private let outputs: Outputs
    private var holdings = Holdings()
    private var retirements = Timers<WorkerID>()
    /// Sockets on which nobody is accepted until `resumption`.
    private var paused: Set<WorkerID> = []
    private var resumption: Instant?
    private var complained: Instant?
    private var isAsked = false

    /// - Parameter signals: any of them ends the loop.
    init(_ station: Station<ToKeeper, FromKeeper>, signals: Signals? = nil) throws {
        self.station = station
        self.signals = signals
        poller = try Poller()
        reception = Reception(poller, station.log)
        outputs = Outputs(poller, station.log)
        try station.join(poller, as: .station)
        if let signals { try poller.add(signals.descriptor.number, .readable, as: .signals) }
    }

    func run() throws {
        while !isAsked {
            let next = [reception.next, retirements.next, resumption].compactMap { $0 }.min()
            let ready = try poller.wait(until: next)
            let now = Instant.now()
            for (source, fd, readiness) in ready where poller.knows(fd) { try serve(source, readiness, now) }
            reception.expire(now)
            while let worker = retirements.popDue(now) { accept(worker, now, isLast: true) }
            resume(now)
        }
    }

    func follow(_ order: ToKeeper, _ descriptor: Descriptor?, _ now: Instant) {
        perform(holdings.follow(order, descriptor), now)
        if order == .complete {
            station.log.info("holds \(holdings.sockets.count) sockets and \(holdings.outputs.count) outputs")
        }
    }

    private func serve(_ source: Source, _ readiness: Readiness, _ now: Instant) throws {
        switch source {
        case .station:
            for (order, descriptor) in try station.receive(readiness, poller) { follow(order, descriptor, now) }
        case .signals: isAsked = try signals?.next() != nil
        case .listener(let worker):
            // Somebody has shut the socket down, for all who hold it.
            if readiness.contains(.hangup) { letGo(worker, "it was shut down", now) } else { accept(worker, now) }
        case .visitor(let id): reception.serve(id, readiness, now)
        case .output(let worker): pass(worker, now)
        }
    }

    private func perform(_ effects: [Holdings.Effect], _ now: Instant) {
        for effect in effects {
            switch effect {
            case .open(let worker, let listener): open(worker, listener, now)
            case .shut(let worker, let listener): shut(worker, listener)
            case .letGoWhenEmpty(let worker): retirements.set(worker, at: now + Self.emptyFor)
            case .read(let worker, let pipe): begin(worker, pipe, now)
            case .stopReading(let worker, let pipe): outputs.end(worker, pipe)
            case .complain(let text): station.log.warning("\(text)")
            }
        }
    }

    // MARK: sockets

    private func open(_ worker: WorkerID, _ listener: Descriptor, _ now: Instant) {
        do {
            try poller.add(listener.number, .readable, as: .listener(worker))
        } catch {
            letGo(worker, "\(error)", now)
        }
    }

    private func shut(_ worker: WorkerID, _ listener: Descriptor) {
        poller.remove(listener.number)
        paused.remove(worker)
        retirements.cancel(worker)
    }

    /// - Parameter isLast: a retired socket has been left alone for long enough: it goes if it is empty.
    private func accept(_ worker: WorkerID, _ now: Instant, isLast: Bool = false) {
        guard let socket = holdings.sockets[worker], let reason = socket.duty.reason else { return }
        let isRetiring = socket.duty == .retiring(reason)
        if isRetiring { retirements.set(worker, at: now + Self.emptyFor) }
        switch reception.accept(on: socket.listener, reason, now) {
        case .drained(let count):
            if isRetiring && isLast && count == 0 { perform(holdings.letGo(worker), now) }
        case .more: break
        case .crowded: pause(worker, socket.listener, now)
        case .dead(let error): letGo(worker, "\(error)", now)
        }
    }

    private func letGo(_ worker: WorkerID, _ why: String, _ now: Instant) {
        station.log.warning("lets go of socket \(worker): \(why)")
        perform(holdings.letGo(worker), now)
    }

    /// Who waits goes on waiting in the kernel's queue; asked at once again, the kernel would give the same answer.
    private func pause(_ worker: WorkerID, _ listener: Descriptor, _ now: Instant) {
        if complained.map({ now - $0 > Self.complaintPeriod }) ?? true {
            station.log.warning("no room for more visitors: new ones have to wait")
            complained = now
        }
        do {
            try poller.change(listener.number, [])
            paused.insert(worker)
            resumption = resumption ?? now + Self.pauseWhenCrowded
        } catch {
            letGo(worker, "\(error)", now)
        }
    }

    private func resume(_ now: Instant) {
        guard let resumption, resumption <= now else { return }
        self.resumption = nil
        for worker in paused {
            guard let socket = holdings.sockets[worker] else { continue }
            do {
                try poller.change(socket.listener.number, .readable)
            } catch {
                letGo(worker, "\(error)", now)
            }
        }
        paused = []
    }

    // MARK: outputs

    private func begin(_ worker: WorkerID, _ pipe: Descriptor, _ now: Instant) {
        do {
            try outputs.begin(worker, pipe)
        } catch {
            station.log.warning("cannot read the output of \(worker): \(error)")
            perform(holdings.ended(output: worker), now)
        }
    }

    private func pass(_ worker: WorkerID, _ now: Instant) {
        guard let pipe = holdings.outputs[worker] else { return }
        do {
            let goesOn = try outputs.pass(worker, pipe, to: holdings.settings.logs, now)
            if !goesOn { perform(holdings.ended(output: worker), now) }
        } catch {
            station.log.warning("lost the output of \(worker): \(error)")
            perform(holdings.ended(output: worker), now)
        }
    }
}
