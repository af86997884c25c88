// The health of one worker, from the results of its checks. Pure.
//
// One failure makes a worker doubtful: it is then checked more often, and passing again with the next pass. `fall`
// failures in a row make it failing, and only `rise` passes in a row make it passing again. A change of health is told
// once; a worker that goes on failing is told again after every further `fall` failures, because the first remedy may
// not have helped.

import Shared
import SharedSystem

/// What one check found.
struct CheckResult: Equatable {
    var outcome: CheckOutcome
    var status: Int?
    /// In milliseconds.
    var latency: Double?

    static let refused = CheckResult(outcome: .refused)
    static let timeout = CheckResult(outcome: .timeout)
    static let badAnswer = CheckResult(outcome: .badAnswer)

    static func answer(_ status: Int, _ latency: Duration) -> CheckResult {
        let outcome: CheckOutcome = (200..<300).contains(status) ? .passed : .wrongStatus
        return CheckResult(outcome: outcome, status: status, latency: latency.milliseconds)
    }
}

struct HealthRecord {
    private enum State {
        /// Has not been ready yet; goes to passing.
        case awaiting(failures: Int)
        /// Has not been checked yet; goes to passing, doubtful or failing.
        case unknown
        /// Goes to doubtful, or to failing where one failure is enough.
        case passing
        /// Goes to passing or failing.
        case doubtful(failures: Int)
        /// Goes to passing. Counts the failures since it was first told, and the passes in a row.
        case failing(failures: Int, passes: Int)
    }

    private static let latencyPeriod = Duration.seconds(60)

    private let settings: CheckSettings
    private var state: State
    private var told: (latency: Double, at: Instant)?

    init(_ settings: CheckSettings, awaitsReady: Bool) {
        self.settings = settings
        state = awaitsReady ? .awaiting(failures: 0) : .unknown
    }

    var health: Health {
        switch state {
        case .awaiting, .unknown, .doubtful: .doubtful
        case .passing: .passing
        case .failing: .failing
        }
    }

    /// Takes in a result, and answers whether it is worth a report.
    mutating func note(_ result: CheckResult, isAsked: Bool, now: Instant) -> Bool {
        let isNews = result.outcome == .passed ? pass(result, now) : fail()
        guard isNews || isAsked else { return false }
        told = result.latency.map { ($0, now) }
        return true
    }

    /// How long to wait before the next check; nil is the regular interval.
    var haste: Duration? {
        switch state {
        case .awaiting(let failures): Self.patience(failures)
        case .doubtful: hasty
        case .failing(_, let passes): passes > 0 ? hasty : nil
        case .unknown, .passing: nil
        }
    }

    private var hasty: Duration {
        min(settings.interval, min(max(settings.interval / 5, .milliseconds(200)), .seconds(1)))
    }

    private static func patience(_ failures: Int) -> Duration {
        var pause = Duration.milliseconds(100)
        for _ in 1..<max(2, min(failures, 8)) where failures > 1 { pause = pause * 3 / 2 }
        return min(pause, .seconds(1))
    }

    private mutating func pass(_ result: CheckResult, _ now: Instant) -> Bool {
        switch state {
        case .awaiting, .unknown, .doubtful:
            state = .passing
            return true
        case .passing:
            return isLatencyNews(result.latency, now)
        case .failing(let failures, let passes):
            let isBack = passes + 1 >= settings.rise
            state = isBack ? .passing : .failing(failures: failures, passes: passes + 1)
            return isBack
        }
    }

    private mutating func fail() -> Bool {
        switch state {
        case .awaiting(let failures):
            state = .awaiting(failures: failures + 1)
            return false
        case .unknown, .passing:
            state = settings.fall <= 1 ? .failing(failures: 0, passes: 0) : .doubtful(failures: 1)
            return true
        case .doubtful(let failures):
            let isDown = failures + 1 >= settings.fall
            state = isDown ? .failing(failures: 0, passes: 0) : .doubtful(failures: failures + 1)
            return isDown
        case .failing(let failures, _):
            state = .failing(failures: failures + 1, passes: 0)
            return (failures + 1).isMultiple(of: max(1, settings.fall))
        }
    }

    /// Once a minute, or when it became more than twice or less than half of what was told, by 50 ms at least.
    private func isLatencyNews(_ latency: Double?, _ now: Instant) -> Bool {
        guard let latency else { return false }
        guard let told else { return true }
        if now - told.at >= Self.latencyPeriod { return true }
        let (low, high) = (min(latency, told.latency), max(latency, told.latency))
        return high > 2 * low && high - low >= 50
    }
}
