// How much of a user's output is kept. No I/O.

import Shared

/// What a user may still write: `rate` in the long run, `burst` at once.
///
/// When it is spent, nothing is kept for a second: what is kept of a flood are runs of whole lines with one line between
/// them that counts what is missing, not a piece here and there.
struct OutputBudget {
    /// In bytes a second. An access log of a thousand requests a second takes a fifth of it.
    static let rate: Int64 = 512 << 10
    /// In bytes: a start that tells much, or a hundred long tracebacks.
    static let burst: Int64 = 4 << 20
    private static let closure = Duration.seconds(1)

    private var bucket = TokenBucket(rate: rate, burst: burst)
    /// Until when nothing is kept, while that is ahead.
    private(set) var closedUntil: Instant?

    /// Whether so many bytes are kept; what is kept is spent.
    mutating func admits(_ size: Int, _ now: Instant) -> Bool {
        if let closedUntil {
            guard now >= closedUntil else { return false }
            self.closedUntil = nil
        }
        let isKept = bucket.take(size, now)
        if !isKept { closedUntil = now + Self.closure }
        return isKept
    }

    /// When all that was kept will have been earned.
    var fullAt: Instant { bucket.fullAt }
}
