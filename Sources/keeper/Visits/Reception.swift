// Accepts visitors and sees them through.

import CLinux
import Glibc
import Logging
import Shared
import SharedSystem

final class Reception {
    /// How accepting on a socket went.
    enum Acceptance {
        /// All connections that waited have been accepted.
        case drained(count: Int)
        /// There may be more.
        case more
        /// Not now: there is no room.
        case crowded
        /// This socket accepts no longer.
        case dead(SystemError)
    }

    /// The most visitors at a time. Beyond that, and where descriptors are short, a visitor that has stayed longer than
    /// `patience` is sent away for a new one: a visitor that sends a proper request stays for milliseconds.
    private static let bound = 1024
    private static let patience = Duration.seconds(1)
    /// Accepted in one turn, so that one socket does not hold up the others.
    private static let batch = 64

    private let poller: Poller<Source>
    private let log: Logger
    /// In the order of arrival.
    private var visitors = LinkedHashQueue<UInt64, Visitor>()
    private var deadlines = Timers<UInt64>()
    private var arrivals: UInt64 = 0
    /// So many visitors at a time are answered where no descriptor is free.
    private var reserve = Reserve(8)
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

    init(_ poller: Poller<Source>, _ log: Logger) {
        self.poller = poller
        self.log = log
    }

    var isEmpty: Bool { visitors.isEmpty }

    /// The earliest deadline of a visitor.
    var next: Instant? { deadlines.next }

    func accept(on listener: Descriptor, _ reason: StandInReason, _ now: Instant) -> Acceptance {
        for count in 0..<Self.batch {
            guard visitors.count < Self.bound || dismissOldest(now) else { return .crowded }
            do {
                let accepted = try reserve.accept { try attempt("accept") { clinux_accept(listener.number) } }
                guard let number = accepted else { return .drained(count: count) }
                try admit(Descriptor(owning: number), reason, now)
            } catch let error as SystemError {
                switch error.code {
                case ECONNABORTED: continue
                case EMFILE, ENFILE, ENOMEM, ENOBUFS, ENOSPC:
                    guard dismissOldest(now) else { return .crowded }
                case _: return .dead(error)
                }
            } catch {
                log.error("a visitor was lost: \(error)")
            }
        }
        return .more
    }

    func serve(_ id: UInt64, _ readiness: Readiness, _ now: Instant) {
        guard let visitor = visitors[id] else { return }
        visitor.serve(readiness, into: &buffer, now: now)
        follow(id, visitor)
    }

    func expire(_ now: Instant) {
        while let id = deadlines.popDue(now) {
            guard let visitor = visitors[id] else { continue }
            visitor.expire(now)
            follow(id, visitor)
        }
    }

    private func admit(_ socket: Descriptor, _ reason: StandInReason, _ now: Instant) throws {
        let visitor = try Visitor(socket, reason, now: now)
        arrivals += 1
        try poller.add(socket.number, visitor.interest, as: .visitor(arrivals))
        visitors.append(arrivals, visitor)
        deadlines.set(arrivals, at: visitor.deadline)
    }

    private func dismissOldest(_ now: Instant) -> Bool {
        guard let oldest = visitors.first, now - oldest.value.began > Self.patience else { return false }
        leave(oldest.key, oldest.value)
        return true
    }

    private func follow(_ id: UInt64, _ visitor: Visitor) {
        do {
            guard !visitor.isOver else { return leave(id, visitor) }
            try poller.change(visitor.socket.number, visitor.interest)
            deadlines.set(id, at: visitor.deadline)
        } catch {
            leave(id, visitor)
        }
    }

    private func leave(_ id: UInt64, _ visitor: Visitor) {
        poller.remove(visitor.socket.number)
        deadlines.cancel(id)
        visitors.remove(id)
        reserve.keep(visitor.socket)
    }
}
