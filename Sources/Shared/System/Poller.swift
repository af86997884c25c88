// The one file that knows epoll.

import CLinux
import Glibc
import Shared

/// What a descriptor is watched for, or is ready for.
public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let readable = Readiness(rawValue: UInt32(CLINUX_READABLE))
    public static let writable = Readiness(rawValue: UInt32(CLINUX_WRITABLE))
    /// The other end is gone, or the descriptor has an error: reported whether asked for or not.
    public static let hangup = Readiness(rawValue: UInt32(CLINUX_HANGUP))
}

/// Waits until one of many descriptors is ready or a deadline has come. `Source` is the caller's name for what a
/// descriptor is; each wait answers with those names. Level-triggered: what is not read is reported again.
public final class Poller<Source> {
    private struct Entry {
        var serial: UInt32
        var source: Source
    }

    private let epoll: Descriptor
    private var entries: [Int32: Entry] = [:]
    private var serial: UInt32 = 0
    private var buffer: [clinux_ready]

    /// - Parameter batch: what a wait answers at most, 1 to 256.
    public init(batch: Int = 256) throws {
        buffer = [clinux_ready](repeating: clinux_ready(), count: batch)
        epoll = Descriptor(owning: try check("epoll_create1") { clinux_epoll_create() })
    }

    public func add(_ fd: Int32, _ interest: Readiness, as source: Source) throws {
        serial &+= 1
        let token = Self.token(fd, serial)
        try check("epoll_ctl") { clinux_epoll_add(epoll.number, fd, interest.rawValue, token) }
        entries[fd] = Entry(serial: serial, source: source)
    }

    /// Watches `fd` for something else. Some libraries replace a socket under an unchanged number: the kernel then
    /// answers ENOENT (epoll_ctl(2)), and the new socket is added.
    public func change(_ fd: Int32, _ interest: Readiness) throws {
        guard let entry = entries[fd] else { return }
        let token = Self.token(fd, entry.serial)
        if clinux_epoll_modify(epoll.number, fd, interest.rawValue, token) == 0 { return }
        guard errno == ENOENT else { throw SystemError("epoll_ctl") }
        try check("epoll_ctl") { clinux_epoll_add(epoll.number, fd, interest.rawValue, token) }
    }

    /// Forgets `fd`: before it is closed, or the kernel may go on reporting a copy of it.
    public func remove(_ fd: Int32) {
        guard entries.removeValue(forKey: fd) != nil else { return }
        _ = clinux_epoll_remove(epoll.number, fd)
    }

    /// Waits until something is ready or `deadline` has come; nil waits for ever. EINTR answers an empty list.
    public func wait(until deadline: Instant?) throws -> [(source: Source, fd: Int32, readiness: Readiness)] {
        let timeout = deadline.map { Self.milliseconds(from: .now(), to: $0) } ?? -1
        let count = clinux_epoll_wait(epoll.number, &buffer, Int32(buffer.count), timeout)
        guard count >= 0 else {
            if errno == EINTR { return [] }
            throw SystemError("epoll_wait")
        }
        return buffer[..<Int(count)].compactMap { ready in
            let fd = Int32(truncatingIfNeeded: ready.token & 0xFFFF_FFFF)
            // The serial tells a descriptor that was closed and opened again under the same number.
            guard let entry = entries[fd], entry.serial == UInt32(ready.token >> 32) else { return nil }
            return (entry.source, fd, Readiness(rawValue: ready.readiness))
        }
    }

    /// Whether what a wait reported still stands: an earlier report of the same wait may have closed it.
    public func knows(_ fd: Int32) -> Bool { entries[fd] != nil }

    private static func token(_ fd: Int32, _ serial: UInt32) -> UInt64 {
        UInt64(serial) << 32 | UInt64(UInt32(bitPattern: fd))
    }

    /// Rounded up, so that a deadline has come when the wait for it ends.
    private static func milliseconds(from now: Instant, to deadline: Instant) -> Int32 {
        let left = deadline.nanoseconds - now.nanoseconds
        return left <= 0 ? 0 : Int32(min(Int64(Int32.max), (left + 999_999) / 1_000_000))
    }
}
