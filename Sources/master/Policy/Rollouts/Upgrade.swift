// Which version is in force, which are held, and the rollout that is on its way.

import Shared

/// Worker settings of the configuration that not all users have yet.
package struct NewSettings: Equatable, Sendable {
    /// Those that were in force before; nil where only an earlier master knew them.
    let former: PlanSettings?
    /// Why they are not tried any more.
    var failure: String?

    /// Whether they are on their way, or wait for the end of another upgrade.
    package var isTried: Bool { failure == nil }
}

package struct Upgrade {
    /// The last version that has reached every user it was for: new users get it.
    private(set) var inForce: String?
    /// Where `current` pointed when it was looked at last.
    private(set) var seen: String?
    /// Versions that have failed or were aborted, and why: no user is sent there until the operator says so.
    private(set) var held: [String: String]
    var rollout: Rollout?
    /// Worker settings that have still to prove themselves.
    package internal(set) var newSettings: NewSettings?

    package init(inForce: String? = nil, seen: String? = nil, held: [String: String] = [:]) {
        (self.inForce, self.seen, self.held) = (inForce, seen, held)
    }

    /// - Returns: why the version that has become current is not brought to the users; nil where it may be.
    mutating func see(_ current: String) -> String? {
        seen = current
        return held[current]
    }

    mutating func begin(_ target: Rollout.Target, _ now: Instant) {
        if case .package(let version) = target { held[version] = nil }
        rollout = Rollout(to: target, at: now)
    }

    /// What was about to come is held.
    mutating func turnBack(_ why: String) {
        guard let rollout else { return }
        self.rollout?.turnBack(why)
        switch rollout.target {
        case .package(let version): held[version] = why
        case .settings: newSettings?.failure = why
        }
    }

    mutating func isInForce(_ version: String) {
        inForce = version
    }

    /// Versions that are gone are not held: a later one of the same name is another version.
    ///
    /// - Returns: whether there were any.
    mutating func forget(unless isThere: (String) -> Bool) -> Bool {
        let gone = held.keys.filter { !isThere($0) }
        for version in gone { held[version] = nil }
        if let seen, gone.contains(seen) { self.seen = nil }
        return !gone.isEmpty
    }
}
