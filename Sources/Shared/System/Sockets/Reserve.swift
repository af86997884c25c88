// Descriptors that are kept for the moment when no other is free.
//
// This is how Steward meets everything that a machine can run out of. What runs goes on. What cannot be done waits, says
// why in `status` and `why`, is logged once, and is done when it can be. Nothing has to be restarted by hand.
//
// - No process, or no descriptor for one (EAGAIN, ENOMEM, EMFILE, ...; rule `start-delayed`; `User.startDelayed`): this
//   is no death of the worker, so it counts towards no crash loop. It is tried again at once, then after half a second
//   up to five. Meanwhile the keeper answers for users whose worker has died and for new users. A restart needs no more
//   descriptors than the dead worker has left.
// - No descriptor in master: the control socket still answers, because master keeps some descriptors back (`Reserve`).
// - No descriptor in the keeper (`Reception`, `Keeper`): visitors are answered eight at a time, in the same way. The
//   keeper goes on without a socket or pipe that it is sent and cannot take. When there is room again it ends, and the
//   next keeper is given everything. Until then a worker whose pipe the keeper lacks waits in write(2) once the pipe is
//   full.
// - No descriptor in dbwatch: that dbwatch cannot log in says nothing about the database. The last verdict stands.
// - No room below STATE or for the logs: keeper/Output/Outputs.swift, JournalFile.swift. A hold is refused, because it
//   could not be kept.
// - No room in RUNTIME (`Ledger`): a record that does not fit is written when it does. Until then the next master would
//   find that worker by its environment. A master that starts gives up the old file if there is no room for both.
// - No inotify, or no more watches (`UsersFolder`): everything that is not watched is looked at every five seconds, by
//   its stamps.
// - A watcher that floods (`ReportBudget`: more than 10,000 reports a second, 200,000 at once) is ended like one that is
//   silent.

import Glibc
import Shared

/// Descriptors that a server holds back, so that connections are answered when no other is free. Without them the
/// connections would wait, and their listener would be readable for ever (accept(2)). One is given up for each
/// connection. When the connection has ended, its own descriptor takes the place, before anything else can take it.
public struct Reserve {
    private let size: Int
    private var held: [Descriptor] = []

    /// - Parameter size: the connections that can be accepted when nothing else is free.
    public init(_ size: Int) {
        self.size = size
        fill()
    }

    /// Takes as many of the missing descriptors as are free.
    public mutating func fill() {
        while held.count < size {
            let number = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard number >= 0 else { return }
            held.append(Descriptor(owning: number))
        }
    }

    /// Whether so many descriptors are free in this process.
    public static func isFree(_ count: Int) -> Bool {
        Reserve(count).held.count == count
    }

    /// Accepts by `body`, with one of the descriptors held back where it fails for the lack of one.
    ///
    /// - Throws: what `body` throws, EMFILE and ENFILE only where nothing is left.
    public mutating func accept(_ body: () throws -> Int32?) throws -> Int32? {
        do {
            return try body()
        } catch let error as SystemError where error.code == EMFILE || error.code == ENFILE {
            guard held.popLast() != nil else { throw error }
            return try body()
        }
    }

    /// Takes over a connection that has ended, where one is missing; its other end sees the end at once.
    public mutating func keep(_ connection: Descriptor) {
        if held.count < size {
            shutdown(connection.number, Int32(SHUT_RDWR))
            held.append(connection)
        }
        fill()
    }
}
