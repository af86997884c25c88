// A number of users that is too many at once.

/// A share of the users, but never fewer than a fixed number.
struct Threshold: Equatable, Sendable {
    var fewest: Int
    /// 0 to 1.
    let share: Double

    /// The most that are not too many.
    func limit(of users: Int) -> Int { max(fewest, Int(share * Double(users))) }
}
