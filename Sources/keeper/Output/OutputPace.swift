// When the pipe of a worker is read again. No I/O.

import Shared

/// Lets a pipe that is written to all the time rest between two looks, so that a look is worth its price.
///
/// A pipe that is filling up is read again at once: a worker that may write does not wait. A pipe whose output is
/// dropped rests however full it is. Its worker then waits in write(2) for as long, 10 ms for each filled pipe, which
/// is what keeps a flood from costing other users a processor.
struct OutputPace {
    static let rest = Duration.milliseconds(10)
    /// Looks that follow each other faster than this are too many.
    private static let dense = Duration.milliseconds(20)

    /// What the pipe holds, in bytes.
    let capacity: Int
    private var last: Instant?

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// Until when the pipe is left alone after so many bytes were read from it; nil: not at all.
    mutating func rest(after size: Int, isKept: Bool, _ now: Instant) -> Instant? {
        defer { last = now }
        guard isKept else { return now + Self.rest }
        guard size < capacity / 2, let last, now - last < Self.dense else { return nil }
        return now + Self.rest
    }
}
