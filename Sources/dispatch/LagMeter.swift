// Whether this process's own loop was held up. Pure.
//
// A loop that comes back much later than it planned to was stopped, starved or busy, and so perhaps was the whole
// machine: that a worker has not answered meanwhile says little about the worker.

import Shared

struct LagMeter {
    /// The longest plan: with this, a delay is noticed also where nothing else was to be done.
    static let longestWait = Duration.milliseconds(100)
    private static let tolerance = Duration.milliseconds(250)

    private var last: Instant?

    /// - Parameter planned: when the loop meant to be back at the latest.
    mutating func note(planned: Instant?, now: Instant) {
        if let planned, now - planned > Self.tolerance { last = now }
    }

    /// Whether the loop has kept its plans since then.
    func isSteady(since start: Instant) -> Bool {
        last.map { $0 < start } ?? true
    }
}
