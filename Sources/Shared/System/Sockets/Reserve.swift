// Descriptors that are kept for the moment when no other is free.

import Glibc
import Shared

/// What a server holds back, so that those who connect are answered where no descriptor is free: without it they would
/// wait, and their listener would be readable for ever (accept(2)). One is given up for each connection; when that has
/// ended its own descriptor takes the place, before anybody else can have it.
public struct Reserve {
    private let size: Int
    private var held: [Descriptor] = []

    /// - Parameter size: the connections that can be accepted when nothing else is free.
    public init(_ size: Int) {
        self.size = size
        fill()
    }

    /// Takes what is missing, as far as there is something.
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
