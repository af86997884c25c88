// Whether a database changes too often to be relied on. Pure.

import Shared

/// Damping: more than `mostChanges` between available and unavailable within `window` make a database count as
/// unavailable until it has been available for `calm` without a break. Each change costs its users a stand-in, and a
/// member of a group a move; a database that has just come back for the third time is about to go again.
struct Flapping: Equatable, Sendable {
    static let mostChanges = 3
    static let window = Duration.seconds(60)
    static let calm = Duration.seconds(30)

    private var changes: [Instant] = []
    private(set) var isDamped = false

    mutating func changed(_ now: Instant) {
        changes = changes.filter { now - $0 < Self.window } + [now]
        if changes.count > Self.mostChanges { isDamped = true }
    }

    /// It has been available for `calm`.
    mutating func calmed() {
        changes = []
        isDamped = false
    }
}
