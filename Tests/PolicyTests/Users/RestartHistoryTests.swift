// When what died is started again.

import Shared
import Testing

@testable import Policy

@Suite struct RestartHistoryTests {
    private static func delays(_ deaths: [(at: Int64, readyFor: Int64?)], chance: Double = 0.5) -> [Duration] {
        var history = RestartHistory()
        return deaths.map { death in
            let now = Instant(nanoseconds: death.at * 1_000_000_000)
            let since = death.readyFor.map { Instant(nanoseconds: (death.at - $0) * 1_000_000_000) }
            return history.died(at: now, readySince: since, settings: RestartSettings(), chance: chance).delay
        }
    }

    @Test func theFirstAtOnceThenLongerAndLonger() {
        #expect(
            Self.delays([(0, nil), (100, nil), (200, nil), (300, nil)])
                == [.zero, .milliseconds(500), .seconds(1), .seconds(2)])
    }

    @Test func aMinuteOfReadinessBeginsANewRow() {
        #expect(Self.delays([(0, nil), (100, nil), (200, 60)]).last == .zero)
        #expect(Self.delays([(0, nil), (100, nil), (200, 59)]).last == .seconds(1))
    }

    @Test func fiveWithinAMinuteAreACrashLoopAtTheCap() {
        #expect(Self.delays([(0, nil), (1, nil), (2, nil), (3, nil), (4, nil)]).last == .seconds(60))
        #expect(Self.delays([(0, nil), (20, nil), (40, nil), (61, nil), (90, nil)]).last == .seconds(4))
    }

    @Test func theCapAndTheJitterHold() {
        let many = (0..<20).map { (at: Int64($0) * 1000, readyFor: Int64?.none) }
        #expect(Self.delays(many).last == .seconds(60))
        #expect(Self.delays(many, chance: 0).last == .seconds(48))
        #expect(Self.delays(many, chance: 1).last == .seconds(72))
    }
}
