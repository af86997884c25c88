import Shared
import Testing

@testable import dispatcher

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

private func passed(_ latency: Double = 1) -> CheckResult {
    CheckResult(outcome: .passed, status: 200, latency: latency)
}

@Suite struct HealthRecordTests {
    private static func settings(fall: Int = 3, rise: Int = 1, interval: Duration = .seconds(10)) -> CheckSettings {
        var settings = CheckSettings()
        settings.fall = fall
        settings.rise = rise
        settings.interval = interval
        return settings
    }

    private var record = HealthRecord(settings(), awaitsReady: false)

    private mutating func note(_ result: CheckResult, isAsked: Bool = false, at second: Double = 0) -> Bool {
        record.note(result, isAsked: isAsked, now: at(second))
    }

    /// The results, p or f, one a second, and what was told after each: p, d, f, or . for nothing.
    private mutating func told(_ results: String) -> String {
        var answer = ""
        for (index, result) in results.enumerated() {
            let isTold = note(result == "p" ? passed() : .timeout, at: Double(index))
            answer += isTold ? String(record.health.description.prefix(1)) : "."
        }
        return answer
    }

    @Test(arguments: [
        ("pppp", 3, 1, "p..."),
        ("pfffp", 3, 1, "pd.fp"),
        ("pfpfp", 3, 1, "pdpdp"),
        ("fff", 3, 1, "d.f"),
        ("f", 1, 1, "f"),
        ("pf", 1, 1, "pf"),
        ("pff", 2, 3, "pdf"),
        ("ppffpp", 2, 3, "p.df.."),
        ("ffppfppp", 2, 3, "df.....p"),
        // Told again after every further `fall` failures.
        ("ffffffffff", 3, 1, "d.f..f..f."),
        ("fffff", 1, 1, "fffff"),
        ("ff", 0, 0, "ff"),
    ])
    mutating func fallAndRise(results: String, fall: Int, rise: Int, expected: String) {
        record = HealthRecord(Self.settings(fall: fall, rise: rise), awaitsReady: false)
        #expect(told(results) == expected)
    }

    @Test mutating func oneThatIsAwaited() {
        record = HealthRecord(Self.settings(), awaitsReady: true)
        var pauses: [Duration] = []
        for _ in 0..<8 {
            #expect(!note(.refused))
            pauses.append(record.haste ?? .zero)
        }
        #expect(pauses.prefix(4).map(\.milliseconds) == [100, 150, 225, 337.5])
        #expect(pauses.last == .seconds(1))
        #expect(note(passed(), at: 1))
        #expect(record.health == .passing)
        #expect(record.haste == nil)
        // From then on it is one like any other.
        #expect(told("fff") == "d.f")
    }

    @Test mutating func whoAsksIsTold() {
        record = HealthRecord(Self.settings(), awaitsReady: true)
        #expect(note(.refused, isAsked: true))
        #expect(record.health == .doubtful)
        #expect(note(passed(), isAsked: true))
        #expect(note(passed(), isAsked: true))
        #expect(!note(passed()))
    }

    @Test(arguments: [(10.0, 1.0), (4, 0.8), (0.5, 0.2), (0.1, 0.1)])
    mutating func doubtIsCheckedFaster(interval: Double, haste: Double) {
        record = HealthRecord(Self.settings(rise: 2, interval: .seconds(interval)), awaitsReady: false)
        #expect(told("p") == "p" && record.haste == nil)
        #expect(told("f") == "d" && record.haste == .seconds(haste))
        // One that is known to fail waits for its turn, so that many of them do not hold up the others.
        #expect(told("ff") == ".f" && record.haste == nil)
        #expect(told("p") == "." && record.haste == .seconds(haste))
    }

    @Test mutating func latencyIsToldWhenItIsNews() {
        record = HealthRecord(Self.settings(), awaitsReady: false)
        let script: [(Double, Double, Bool)] = [
            (0, 10, true), (10, 40, false), (20, 70, true), (30, 120, false), (40, 71, false), (79, 71, false),
            (80, 71, true), (90, 20, true),
        ]
        for (second, latency, isTold) in script {
            #expect(note(passed(latency), at: second) == isTold, "at \(second)")
        }
    }
}
