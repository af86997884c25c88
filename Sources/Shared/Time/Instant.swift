// Time as the decisions see it: monotonic, and given as an argument.

/// A moment of the monotonic clock (CLOCK_MONOTONIC), in nanoseconds. A step of the wall clock does not touch it.
public struct Instant: Comparable, Hashable, Sendable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
    /// Stops at the ends of the scale: a duration may come from a peer, and no peer may end this process with it.
    public static func + (left: Instant, right: Duration) -> Instant {
        let (sum, overflow) = left.nanoseconds.addingReportingOverflow(right.nanoseconds)
        return Instant(nanoseconds: overflow ? (right < .zero ? .min : .max) : sum)
    }
    public static func - (left: Instant, right: Instant) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}

extension Instant: WireValue {
    /// The blank that a reader overwrites.
    public init() {
        nanoseconds = 0
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&nanoseconds)
    }
}

extension Duration {
    /// The whole duration in nanoseconds; Steward's durations are far from the 292 years where this would overflow.
    public var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }

    public var milliseconds: Double { Double(nanoseconds) / 1_000_000 }
}
