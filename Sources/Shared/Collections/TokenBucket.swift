// How much may happen: `rate` in the long run, `burst` at once. No I/O.

/// A token bucket. It begins full.
public struct TokenBucket: Sendable {
    /// Tokens a second.
    private let rate: Int64
    private let burst: Int64
    /// When it will be full again.
    public private(set) var fullAt = Instant(nanoseconds: 0)

    public init(rate: Int64, burst: Int64) {
        (self.rate, self.burst) = (rate, burst)
    }

    /// Takes so many tokens; false, and none are taken, where there are fewer.
    public mutating func take(_ count: Int, _ now: Instant) -> Bool {
        let after = max(fullAt, now) + filling(Int64(count))
        guard after - now <= filling(burst) else { return false }
        fullAt = after
        return true
    }

    /// The time in which so many tokens arrive.
    private func filling(_ count: Int64) -> Duration { .nanoseconds(count * 1_000_000_000 / rate) }
}
