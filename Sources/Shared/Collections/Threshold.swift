// A number of users that is too many at once.

/// A share of the users, but never fewer than a fixed number.
public struct Threshold: Equatable, Sendable {
    public var fewest: Int
    /// 0 to 1.
    public var share: Double

    public init(fewest: Int, share: Double) {
        (self.fewest, self.share) = (fewest, share)
    }

    /// The most that are not too many.
    public func limit(of users: Int) -> Int { max(fewest, Int(share * Double(users))) }
}
