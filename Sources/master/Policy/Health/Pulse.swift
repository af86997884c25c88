// What a worker's own event loop says by WATCHDOG=1 (sd_notify(3)).

import Shared

/// The rhythm of a worker's WATCHDOG=1.
struct Pulse: Equatable, Sendable {
    /// The beats of a start come as they like: a rhythm shows after so many gaps.
    private static let gapsOfARhythm = 3

    private(set) var last: Instant?
    /// When it is to be asked whether it hangs, unless it beats before; nil once it was.
    private(set) var silentAt: Instant?
    private var longestGap = Duration.zero
    private var gaps = 0

    /// - Parameter limit: the longest silence that is expected; zero expects none.
    mutating func beat(_ now: Instant, limit: Duration) {
        if let last {
            longestGap = max(longestGap, now - last)
            gaps += 1
        }
        last = now
        if limit > .zero { silentAt = now + bound(limit) }
    }

    mutating func asked() {
        silentAt = nil
    }

    /// Stale is a silence of twice the longest one that the worker has shown while it was well, or of `limit`: a
    /// worker that beats each second is known to hang long before one that beats each ten.
    func heartbeat(_ now: Instant, limit: Duration) -> Heartbeat {
        guard let last, limit > .zero else { return .none }
        return now - last > bound(limit) ? .stale : .fresh
    }

    /// The longest silence that is still fresh.
    func bound(_ limit: Duration) -> Duration {
        gaps < Self.gapsOfARhythm ? limit : min(limit, longestGap * 2)
    }
}
