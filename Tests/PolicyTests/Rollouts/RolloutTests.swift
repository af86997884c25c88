// Whose turn it is, and when a rollout is to stop.

import Shared
import Testing

@testable import Policy

@Suite struct RolloutTests {
    private var settings = UpgradeSettings()
    private var rollout = Rollout(to: .package("2"), at: Instant(nanoseconds: 0))

    private let names = ["a", "b", "c", "d", "e", "f"].compactMap { UserName($0) }

    /// Those whose turn it is now, begun.
    private mutating func turns() -> [String] {
        var begun: [String] = []
        while let name = rollout.next(settings) {
            rollout.begun(name)
            begun.append(name.text)
        }
        return begun
    }

    private mutating func appendAll() {
        for (index, name) in names.enumerated() { rollout.append(name, index % 2 == 0 ? .free : .paid) }
    }

    @Test mutating func canariesThenThePayingOnesThenTheRest() {
        settings.canary = 2
        settings.parallel = 3
        appendAll()
        #expect(turns() == ["b", "d"])
        rollout.finished(names[1])
        #expect(turns() == [])
        rollout.finished(names[3])
        #expect(turns() == ["f", "a", "c"])
        rollout.finished(names[0])
        #expect(turns() == ["e"])
        #expect(!rollout.isOver)
        for name in names { rollout.finished(name) }
        #expect(rollout.isOver)
        #expect(rollout.changed == 6 && rollout.total == 6)
    }

    @Test mutating func withoutCanariesAllPlacesAreTakenAtOnce() {
        settings.canary = 0
        settings.parallel = 4
        appendAll()
        #expect(turns() == ["b", "d", "f", "a"])
    }

    @Test mutating func aPauseLetsNobodyBegin() {
        appendAll()
        _ = rollout.pause(true)
        #expect(turns() == [])
        _ = rollout.pause(false)
        #expect(turns() == ["b"])
    }

    @Test mutating func itIsSpentAtTheLastFailureThatItMayHave() {
        settings.maxFailures = 2
        appendAll()
        _ = turns()
        rollout.failed(names[1], "exit 1")
        #expect(!rollout.isSpent(settings))
        #expect(turns() == ["d"])
        rollout.failed(names[3], "exit 1")
        #expect(rollout.isSpent(settings))
        #expect(rollout.verdict == "b: exit 1; d: exit 1")
        #expect(rollout.total == 6)
    }

    @Test(arguments: [true, false]) mutating func aDoubtfulFailureWaitsForItsJudgement(isExcused: Bool) {
        appendAll()
        _ = turns()
        rollout.doubted(names[1], "exit 1", doubtTime: .seconds(3), Instant(nanoseconds: 0))
        #expect(!rollout.isSpent(settings) && !rollout.isOver)
        #expect(turns() == [])
        rollout.judged(names[1], .paid, isExcused: isExcused)
        #expect(rollout.isSpent(settings) == !isExcused)
        #expect(rollout.failures.isEmpty == isExcused)
        #expect(rollout.total == 6)
    }

    @Test mutating func whoIsPutAsideComesAgainAtTheEnd() {
        settings.canary = 0
        rollout.append(names[0], .paid)
        rollout.append(names[1], .paid)
        #expect(rollout.next(settings) == names[0])
        rollout.postpone(names[0])
        #expect(!rollout.isAsideDue)
        #expect(turns() == ["b"])
        rollout.finished(names[1])
        #expect(rollout.isAsideDue && !rollout.isOver)
        rollout.append(names[0], .paid)
        #expect(turns() == ["a"])
    }

    @Test mutating func whoHasFailedIsNotTriedAgain() {
        rollout.append(names[0], .paid)
        _ = turns()
        rollout.failed(names[0], "exit 1")
        rollout.append(names[0], .paid)
        #expect(rollout.waiting == 0)
    }

    @Test mutating func onTheWayBackThereAreNoCanaries() {
        settings.parallel = 3
        appendAll()
        _ = turns()
        rollout.turnBack("b: exit 1")
        #expect(rollout.total == 0)
        appendAll()
        #expect(turns() == ["b", "d", "f"])
        #expect(!rollout.isSpent(settings))
    }

    @Test mutating func whoIsGoneIsForgotten() {
        appendAll()
        _ = turns()
        for name in names { rollout.remove(name) }
        #expect(rollout.isOver && rollout.total == 0)
    }
}
