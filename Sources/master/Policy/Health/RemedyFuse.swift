// How many users are replaced at a time because their checks fail: at most max(1, 5 %) of the users.
//
// If more fail at once, the cause is the machine, or dispatch: one line is logged, and further replacements wait.

import Shared

struct RemedyFuse {
    enum Answer: Equatable {
        case admitted
        case refused
        /// Refused, and it has not been told yet that there are so many.
        case blown(limit: Int)
    }

    private static let threshold = Threshold(fewest: 1, share: 0.05)

    /// Users that are being replaced.
    private(set) var replacing: Set<UserName> = []
    private(set) var isBlown = false

    /// - Parameter users: how many there are.
    mutating func admit(_ name: UserName, of users: Int) -> Answer {
        guard !replacing.contains(name) else { return .refused }
        guard replacing.count < Self.threshold.limit(of: users) else {
            defer { isBlown = true }
            return isBlown ? .refused : .blown(limit: replacing.count)
        }
        replacing.insert(name)
        return .admitted
    }

    /// The user's replacement is done, or was given up.
    mutating func done(_ name: UserName) {
        replacing.remove(name)
        if replacing.isEmpty { isBlown = false }
    }
}
