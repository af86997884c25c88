// The two clocks: one for decisions, one for people.
//
// The wall clock is read for logs, events and `status`. One comparison with it is left, because files have no other
// clock: pathwatch takes an empty or faulty user.yaml that is younger than 100 ms for one that is just being written. A
// step of the clock within those 100 ms removes that doubt and has no other effect. The tests run the tree on a clock
// that jumps by a day each second.

import Glibc
import Shared

extension Instant {
    /// By CLOCK_MONOTONIC (clock_gettime(2)).
    public static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}

/// Milliseconds since 1970 by the wall clock: for people, never for a decision.
public func wallClock() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}

/// A wall clock time as RFC 3339 in UTC, to the millisecond.
public func rfc3339(_ milliseconds: Int64) -> String {
    var seconds = time_t(milliseconds / 1000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let date = String(unsafeUninitializedCapacity: 32) { buffer in
        buffer.withMemoryRebound(to: CChar.self) { strftime($0.baseAddress, $0.count, "%Y-%m-%dT%H:%M:%S", &parts) }
    }
    return "\(date).\(String(1000 + milliseconds % 1000).dropFirst())Z"
}
