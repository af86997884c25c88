// Waiting for a condition: always with a deadline, never for a fixed time.

import Shared
import SharedSystem

/// What did not come about in time.
package struct NotInTime: Error, CustomStringConvertible {
    package let description: String

    package init(_ what: String, within limit: Duration, details: String = "") {
        description = "not within \(limit): \(what)" + (details.isEmpty ? "" : "\n" + details)
    }
}

/// Asks again and again until there is an answer.
///
/// - Throws: `NotInTime` with the description at the deadline, or what `condition` throws.
package func eventually<Value>(
    _ description: String, within limit: Duration = .seconds(180), every interval: Duration = .milliseconds(20),
    _ condition: () async throws -> Value?
) async throws -> Value {
    let deadline = Instant.now() + limit
    while true {
        // A question that was asked before the deadline may be answered after it: only then has time run out.
        let isLast = Instant.now() >= deadline
        if let value = try await condition() { return value }
        guard !isLast else { throw NotInTime(description, within: limit) }
        try await Task.sleep(for: interval)
    }
}

/// Waits until a condition holds.
package func eventually(
    _ description: String, within limit: Duration = .seconds(180), every interval: Duration = .milliseconds(20),
    _ condition: () async throws -> Bool
) async throws {
    let _: Void = try await eventually(description, within: limit, every: interval) {
        try await condition() ? () : nil
    }
}

/// Room for a few tests at a time: later ones wait for their turn.
package actor Places {
    /// Trees that run beside each other; more of them would only slow each other down past their deadlines.
    package static let trees = Places(3)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    package init(_ count: Int) {
        free = count
    }

    package func occupy() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    package func vacate() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}
