// What was dropped of a user's output, until a line in the file tells. No I/O.

import Glibc
import Shared

struct OutputLoss: Equatable {
    enum Cause: Equatable {
        /// More than `OutputBudget` allows.
        case flood
        /// The file could not be written: why.
        case unwritable(String)
    }

    let since: Instant
    private(set) var bytes = 0
    private(set) var lines = 0
    /// The latest one.
    private(set) var cause: Cause

    init(_ cause: Cause, since: Instant) {
        self.cause = cause
        self.since = since
    }

    mutating func add(_ dropped: UnsafeRawBufferPointer, _ cause: Cause) {
        bytes += dropped.count
        lines += Self.lines(in: dropped)
        self.cause = cause
    }

    /// The line in the user's file, with its end.
    func notice(_ now: Instant) -> String {
        let tenths = ((now - since).milliseconds / 100).rounded() / 10
        let why =
            switch cause {
            case .flood: "more than \(OutputBudget.rate >> 10) KiB/s"
            case .unwritable(let why): why
            }
        return "[steward: dropped \(bytes) bytes (\(lines) lines) in \(tenths) s: \(why)]\n"
    }

    /// Counted by memchr(3): of a flood there is much to count.
    private static func lines(in bytes: UnsafeRawBufferPointer) -> Int {
        var count = 0
        var rest = bytes[...]
        while let start = UnsafeRawBufferPointer(rebasing: rest).baseAddress,
            let found = memchr(start, Int32(UInt8(ascii: "\n")), rest.count)
        {
            count += 1
            rest = rest.dropFirst(UnsafeRawPointer(found) - start + 1)
        }
        return count
    }
}
