// Whether a database changes too often to be relied on. Pure.

import Shared

/// Damping: more than `mostChanges` between available and unavailable within `window` make a database count as
/// unavailable until it has been available for `calm` without a break. Each change costs its users a stand-in, and a
/// member of a group a move; a database that is available for the third time will probably fail again.
struct Flapping: Equatable, Sendable {
    static let mostChanges = 3
    static let window = Duration.seconds(60)
    static let calm = Duration.seconds(30)

    private enum State: Equatable {
        /// When it has changed within `window`. → damped
        case steady(changes: [Instant])
        /// Until it has been available for `calm`; nil while it is not available. → steady
        case damped(until: Instant?)
    }

    private var state = State.steady(changes: [])

    var isDamped: Bool {
        switch state {
        case .steady: false
        case .damped: true
        }
    }

    /// When it has been available for long enough.
    var deadline: Instant? {
        switch state {
        case .steady: nil
        case .damped(let until): until
        }
    }

    mutating func changed(_ now: Instant) {
        guard case .steady(let earlier) = state else { return }
        let changes = earlier.filter { now - $0 < Self.window } + [now]
        state = changes.count > Self.mostChanges ? .damped(until: nil) : .steady(changes: changes)
    }

    /// What the last report says; while it is damped, the time begins anew with each change.
    mutating func reported(isAvailable: Bool, hasChanged: Bool, _ now: Instant) {
        guard case .damped(let until) = state else { return }
        let since = hasChanged ? nil : until
        state = .damped(until: isAvailable ? since ?? now + Self.calm : since)
    }

    mutating func calmed() {
        state = .steady(changes: [])
    }
}
