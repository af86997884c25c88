// How much a watcher may say: a token bucket. No I/O.

import Shared

/// A watcher that says more is out of order: it would keep master from everything else.
package struct ReportBudget {
    /// Reports a second in the long run. A check of each of 10,000 users each second, all of them changing, is as many.
    static let rate: Int64 = 10_000
    /// At once: a snapshot of ten times as many users, twice.
    static let burst: Int64 = 200_000

    /// When all that was said will have been earned.
    private var earnedAt = Instant(nanoseconds: 0)

    package init() {}

    /// Whether so many more reports are within bounds.
    package mutating func admits(_ count: Int, _ now: Instant) -> Bool {
        earnedAt = max(earnedAt, now) + Self.earning(Int64(count))
        return earnedAt - now <= Self.earning(Self.burst)
    }

    /// The time in which so many reports are earned.
    private static func earning(_ count: Int64) -> Duration { .nanoseconds(count * 1_000_000_000 / rate) }
}

/// Why the channel of a watcher that floods is closed.
package struct ReportFlood: Error, CustomStringConvertible {
    package init() {}

    package var description: String { "floods: more than \(ReportBudget.rate) reports a second" }
}
