// The loop of keeper: orders change the holdings, and their effects are performed.
//
// Nothing that a visitor or a worker does, and no socket or pipe that turns out to be of no use, ends the keeper: it
// costs that visitor, socket or pipe. When its channel ends, master is gone: the keeper goes on, reads in its place what
// workers notify, and hands everything to the next master that connects. It ends when it is told to, and when there is
// no user left to hold anything for.

import Glibc
import Shared
import SharedSystem

/// What the keeper waits for.
enum Source {
    case station
    case successor
    case notify
    case signals
    case listener(SocketID)
    case visitor(UInt64)
    case output(WorkerID)
}

final class Keeper {
    /// How long a retired socket has to have been empty.
    private static let emptyFor = Duration.milliseconds(200)
    private static let pauseWhenCrowded = Duration.milliseconds(100)
    private static let complaintPeriod = Duration.seconds(60)
    private static let roomPeriod = Duration.seconds(1)
    /// Descriptors that have to be free beside those that are missing.
    private static let spareRoom = 16
    /// How long the present visitors may take when the keeper has been told to leave.
    private static let leavingTime = Duration.seconds(2)

    private let station: Station<ToKeeper, FromKeeper>
    private let signals: Signals?
    private let poller: Poller<Source>
    private let reception: Reception
    private let outputs: Outputs
    private let journal: JournalFile
    private var holdings = Holdings()
    private var retirements = Timers<SocketID>()
    /// Sockets on which no connection is accepted until `resumption`.
    private var paused: Set<SocketID> = []
    private var resumption: Instant?
    private var complained: Instant?
    private var isDone = false
    /// When to look whether there is room again for what is missing.
    private var roomLook: Instant?
    private var leavesAt: Instant?
    /// Nil where no master is ever going to follow.
    private let succession: Succession?

    /// - Parameters:
    ///   - signals: any of them ends the loop.
    ///   - runtime: the folder where the next master looks for this keeper.
    init(_ station: Station<ToKeeper, FromKeeper>, signals: Signals? = nil, runtime: String? = nil) throws {
        self.station = station
        self.signals = signals
        succession = try runtime.map { try Succession(runtime: $0) }
        poller = try Poller()
        reception = Reception(poller, station.log)
        outputs = Outputs(poller, station.log)
        journal = JournalFile(station.log)
        try station.join(poller, as: .station)
        if let signals { try poller.add(signals.descriptor.number, .readable, as: .signals) }
        if let succession { try poller.add(succession.listener.number, .readable, as: .successor) }
    }

    func run() throws {
        while !isDone {
            let deadlines = [
                reception.next, retirements.next, resumption, outputs.next, journal.next, leavesAt, roomLook,
            ]
            let ready = try poller.wait(until: deadlines.compactMap { $0 }.min())
            let now = Instant.now()
            for (source, fd, readiness) in ready where poller.knows(fd) { try serve(source, readiness, now) }
            reception.expire(now)
            while let socket = retirements.popDue(now) { accept(socket, now, isLast: true) }
            resume(now)
            for (worker, error) in outputs.resume(in: holdings.settings.logs, now) { lose(worker, error, now) }
            try writeJournal(now)
            lookForRoom(now)
            if let leavesAt, reception.isEmpty || leavesAt <= now { isDone = true }
            if succession != nil, !station.hasMaster, holdings.isEmpty { isDone = true }
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
        case .station: try hear(readiness, now)
        case .successor: try welcome()
        case .notify: holdings.notify.map(Succession.discard)
        case .signals: isDone = try signals?.next() != nil
        case .listener(let socket):
            // Another process has shut the socket down, for all its holders.
            if readiness.contains(.hangup) { forget(socket, "it was shut down", now) } else { accept(socket, now) }
        case .visitor(let id): reception.serve(id, readiness, now)
        case .output(let worker): pass(worker, now)
        }
    }

    private func perform(_ effects: [Holdings.Effect], _ now: Instant) {
        for effect in effects {
            switch effect {
            case .open(let socket, let listener): open(socket, listener, now)
            case .close(let socket, let listener): close(socket, listener)
            case .forgetWhenEmpty(let socket): retirements.set(socket, at: now + Self.emptyFor)
            case .read(let worker, let pipe): begin(worker, pipe, now)
            case .stopReading(let worker, let pipe): outputs.end(worker, pipe, now)
            case .beginJournal(let settings): journal.begin(settings)
            case .record(let event): journal.append(event)
            case .complain(let text): station.log.warning("\(text)")
            }
        }
    }

    // MARK: masters

    private func hear(_ readiness: Readiness, _ now: Instant) throws {
        do {
            for (order, descriptor) in try station.receive(readiness, poller) { follow(order, descriptor, now) }
        } catch {
            try endured(error)
        }
        if station.isDismissed, leavesAt == nil { leave(now) }
    }

    /// An error of the channel costs its master, where another one can come.
    private func endured(_ error: any Error) throws {
        guard succession != nil else { throw error }
        station.log.notice("goes on without master: \(error)")
        try goOnAlone()
    }

    /// Another master has connected: it takes the place of the former one.
    private func welcome() throws {
        guard let descriptor = try succession?.next() else { return }
        do {
            station.part(poller)
            journal.masterIsGone()
            if let notify = holdings.notify { poller.remove(notify.number) }
            try station.meet(descriptor)
            for (handover, held) in holdings.handovers { try station.handOver(handover, held) }
            try station.endHandover()
            try station.join(poller, as: .station)
            station.log.notice("handed over \(holdings.sockets.count) sockets and \(holdings.outputs.count) outputs")
        } catch {
            station.log.warning("could not hand over: \(error)")
            try goOnAlone()
        }
    }

    private func goOnAlone() throws {
        station.part(poller)
        journal.masterIsGone()
        if let notify = holdings.notify { try poller.add(notify.number, .readable, as: .notify) }
    }

    private func leave(_ now: Instant) {
        leavesAt = now + Self.leavingTime
        for (id, socket) in holdings.sockets { close(id, socket.listener) }
        for worker in holdings.outputs.keys { pass(worker, now) }
    }

    // MARK: sockets

    private func open(_ id: SocketID, _ listener: Descriptor, _ now: Instant) {
        do {
            try poller.add(listener.number, .readable, as: .listener(id))
        } catch {
            forget(id, "\(error)", now)
        }
    }

    private func close(_ id: SocketID, _ listener: Descriptor) {
        poller.remove(listener.number)
        paused.remove(id)
        retirements.cancel(id)
    }

    /// - Parameter isLast: a retired socket has been left alone for long enough: it is closed if it is empty.
    private func accept(_ id: SocketID, _ now: Instant, isLast: Bool = false) {
        guard let socket = holdings.sockets[id], let reason = socket.duty.reason else { return }
        let isRetiring = socket.duty == .retiring(reason)
        if isRetiring { retirements.set(id, at: now + Self.emptyFor) }
        switch reception.accept(on: socket.listener, reason, now) {
        case .drained(let count):
            if isRetiring && isLast && count == 0 { perform(holdings.forget(id), now) }
        case .more: break
        case .crowded: pause(id, socket.listener, now)
        case .dead(let error): forget(id, "\(error)", now)
        }
    }

    private func forget(_ id: SocketID, _ why: String, _ now: Instant) {
        station.log.warning("lets go of socket \(id): \(why)")
        perform(holdings.forget(id), now)
    }

    /// Connections go on waiting in the kernel's queue; asked again at once, the kernel would give the same answer.
    private func pause(_ id: SocketID, _ listener: Descriptor, _ now: Instant) {
        if complained.map({ now - $0 > Self.complaintPeriod }) ?? true {
            station.log.warning("no room for more visitors: new ones have to wait")
            complained = now
        }
        do {
            try poller.change(listener.number, [])
            paused.insert(id)
            resumption = resumption ?? now + Self.pauseWhenCrowded
        } catch {
            forget(id, "\(error)", now)
        }
    }

    private func resume(_ now: Instant) {
        guard let resumption, resumption <= now else { return }
        self.resumption = nil
        for id in paused {
            guard let socket = holdings.sockets[id] else { continue }
            do {
                try poller.change(socket.listener.number, .readable)
            } catch {
                forget(id, "\(error)", now)
            }
        }
        paused = []
    }

    /// A keeper that misses something goes on with what it has. When there is room it ends: the next one is given
    /// everything.
    private func lookForRoom(_ now: Instant) {
        guard holdings.missing > 0, station.hasMaster else {
            roomLook = nil
            return
        }
        guard roomLook ?? now <= now else { return }
        roomLook = now + Self.roomPeriod
        guard Reserve.isFree(holdings.missing + Self.spareRoom) else { return }
        station.log.notice("there is room again: makes place for a keeper that is given everything")
        isDone = true
    }

    // MARK: journal

    private func writeJournal(_ now: Instant) throws {
        guard let last = journal.flush(now), journal.isAsked else { return }
        do {
            try station.report(.journaled(JournalMark(serial: last.serial)), poller)
        } catch {
            try endured(error)
        }
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
        do {
            let goesOn = try outputs.pass(worker, to: holdings.settings.logs, now)
            if !goesOn { perform(holdings.ended(output: worker), now) }
        } catch {
            lose(worker, error, now)
        }
    }

    private func lose(_ worker: WorkerID, _ error: any Error, _ now: Instant) {
        station.log.warning("lost the output of \(worker): \(error)")
        perform(holdings.ended(output: worker), now)
    }
}
