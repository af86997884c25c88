// What became of the requests of a load.

import Shared
import SharedSystem

package struct LoadResult: Sendable, CustomStringConvertible {
    /// How many requests had which outcome: "200", "503", "reset", "no connection: …", "timeout", "malformed".
    package private(set) var outcomes: [String: Int] = [:]
    /// Requests of an open loop that were not sent, because too many were on their way.
    package var postponed = 0
    /// How many answers named which process, and which user.
    package private(set) var pids: [Int32: Int] = [:]
    package private(set) var users: [String: Int] = [:]
    /// The first failures, with the time of each for a comparison with master's log.
    package private(set) var failures: [String] = []
    private var latencies: [Duration] = []
    private let expected: Int

    init(expected: Int) {
        self.expected = expected
    }

    package var total: Int { outcomes.values.reduce(0, +) }
    /// Requests whose outcome was anything but the expected status.
    package var failed: Int { total - outcomes["\(expected)", default: 0] }
    /// The time that half of the requests took at most; nil where there were none.
    package var p50: Duration? { percentile(0.5) }
    package var p99: Duration? { percentile(0.99) }
    package var longest: Duration? { latencies.max() }

    private func percentile(_ share: Double) -> Duration? {
        guard !latencies.isEmpty else { return nil }
        return latencies.sorted()[min(latencies.count - 1, Int(Double(latencies.count) * share))]
    }

    package var description: String {
        let counts = outcomes.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
        let times = [p50, p99, longest].map { $0.map { "\($0.milliseconds)" } ?? "-" }
        return "\(counts.joined(separator: ", ")); p50, p99, longest \(times.joined(separator: ", ")) ms; "
            + "\(pids.count) processes; \(failures.joined(separator: " | "))"
    }

    mutating func count(_ outcome: Outcome, latency: Duration) {
        outcomes[outcome.kind, default: 0] += 1
        latencies.append(latency)
        if outcome.status != expected && failures.count < 5 { failures.append("\(rfc3339(wallClock())) \(outcome)") }
        guard case .answer(let answer) = outcome else { return }
        if let pid = Self.field("pid", of: answer.body).flatMap({ Int32($0) }) { pids[pid, default: 0] += 1 }
        if let user = Self.field("user", of: answer.body).map(String.init) { users[user, default: 0] += 1 }
    }

    /// A text or number of a flat JSON object. Looked for rather than parsed: a load answers thousands a second.
    private static func field(_ name: String, of body: String) -> Substring? {
        guard let key = body.firstRange(of: "\"\(name)\":") else { return nil }
        return body[key.upperBound...].drop { $0 == " " || $0 == "\"" }.prefix { !"\",}".contains($0) }
    }
}
