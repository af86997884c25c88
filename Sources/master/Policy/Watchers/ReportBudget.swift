// How much a watcher may say. No I/O.

import Shared

/// A watcher that says more is out of order: it would keep master from everything else.
package struct ReportBudget {
    /// Reports a second in the long run. A check of each of 10,000 users each second, all of them changing, is as many.
    static let rate: Int64 = 10_000
    /// At once: a snapshot of ten times as many users, twice.
    static let burst: Int64 = 200_000

    private var bucket = TokenBucket(rate: rate, burst: burst)

    package init() {}

    /// Whether so many more reports are within bounds.
    package mutating func admits(_ count: Int, _ now: Instant) -> Bool {
        bucket.take(count, now)
    }
}

/// Why the channel of a watcher that floods is closed.
package struct ReportFlood: Error, CustomStringConvertible {
    package init() {}

    package var description: String { "floods: more than \(ReportBudget.rate) reports a second" }
}
