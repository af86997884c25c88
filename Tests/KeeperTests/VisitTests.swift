import Shared
import Testing

@testable import keeper

/// A visit at time zero, and the times in seconds after it.
private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

@Suite struct VisitTests {
    private let head = RequestHead()

    private func received(_ bytes: Int, _ head: RequestHead? = nil, isWhole: Bool = false) -> Visit.Event {
        .received(bytes, head: head, isWhole: isWhole)
    }

    @Test func requestInOnePiece() {
        var visit = Visit(now: at(0))
        #expect(visit.step(received(80, head, isWhole: true), now: at(0)) == .answer(head))
        #expect(visit.step(.sent, now: at(0)) == .shutDown)
        #expect(visit.deadline == at(1))
        #expect(visit.step(.ended, now: at(0)) == .close)
        #expect(visit.step(.deadline, now: at(1)) == nil)
    }

    @Test func bodyIsReadToItsEnd() {
        var visit = Visit(now: at(0))
        #expect(visit.step(received(40), now: at(0)) == nil)
        #expect(visit.step(received(40, head), now: at(2)) == nil)
        #expect(visit.deadline == at(3))
        #expect(visit.step(received(1000, head), now: at(2)) == nil)
        #expect(visit.step(received(1, head, isWhole: true), now: at(2)) == .answer(head))
    }

    @Test func bodyIsBounded() {
        var long = Visit(now: at(0))
        _ = long.step(received(100, head), now: at(0))
        #expect(long.step(received(Visit.mostBody - 100, head), now: at(0)) == nil)
        #expect(long.step(received(1, head), now: at(0)) == .answer(head))
        var slow = Visit(now: at(0))
        _ = slow.step(received(100, head), now: at(0))
        #expect(slow.step(.deadline, now: at(1)) == .answer(head))
    }

    @Test func whoAsksForLeaveIsAnsweredBeforeTheBody() {
        var visit = Visit(now: at(0))
        let asking = RequestHead(expectsContinue: true)
        #expect(visit.step(received(100, asking), now: at(0)) == .answer(asking))
    }

    @Test func headIsBounded() {
        var long = Visit(now: at(0))
        #expect(long.step(received(Visit.mostHead), now: at(0)) == nil)
        #expect(long.step(received(1), now: at(0)) == .refuse(.tooLarge))
        var slow = Visit(now: at(0))
        #expect(slow.deadline == at(5))
        #expect(slow.step(received(1), now: at(4)) == nil)
        #expect(slow.deadline == at(5))
        #expect(slow.step(.deadline, now: at(5)) == .refuse(.tooSlow))
        var silent = Visit(now: at(0))
        #expect(silent.step(.deadline, now: at(5)) == .close)
    }

    @Test func garbageIsRefused() {
        var visit = Visit(now: at(0))
        #expect(visit.step(.malformed, now: at(0)) == .refuse(.malformed))
        #expect(visit.step(.malformed, now: at(0)) == nil)
        #expect(visit.step(.sent, now: at(0)) == .shutDown)
        var later = Visit(now: at(0))
        _ = later.step(received(100, head), now: at(0))
        #expect(later.step(.malformed, now: at(0)) == .refuse(.malformed))
    }

    @Test func visitorWhoLeaves() {
        var early = Visit(now: at(0))
        #expect(early.step(.ended, now: at(0)) == .close)
        var half = Visit(now: at(0))
        _ = half.step(received(100, head), now: at(0))
        #expect(half.step(.ended, now: at(0)) == .answer(head))
        #expect(half.step(.sent, now: at(0)) == .close)
        var whileAnswered = Visit(now: at(0))
        _ = whileAnswered.step(received(100, head, isWhole: true), now: at(0))
        #expect(whileAnswered.step(.ended, now: at(0)) == nil)
        #expect(whileAnswered.step(.sent, now: at(0)) == .close)
    }

    @Test func lingeringIsBounded() {
        var visit = Visit(now: at(0))
        _ = visit.step(received(100, head, isWhole: true), now: at(0))
        _ = visit.step(.sent, now: at(0))
        #expect(visit.step(received(Visit.mostLinger), now: at(0)) == nil)
        #expect(visit.step(received(1), now: at(0)) == .close)
        #expect(visit.state == .over)
    }

    @Test func answerThatNobodyReadsEnds() {
        var visit = Visit(now: at(0))
        _ = visit.step(received(100, head, isWhole: true), now: at(0))
        #expect(visit.deadline == at(5))
        #expect(visit.step(.deadline, now: at(5)) == .close)
    }

    @Test(arguments: 0..<4) func failureEndsEveryState(stage: Int) {
        var visit = Visit(now: at(0))
        if stage > 0 { _ = visit.step(received(100, head), now: at(0)) }
        if stage > 1 { _ = visit.step(.deadline, now: at(1)) }
        if stage > 2 { _ = visit.step(.sent, now: at(1)) }
        #expect(visit.step(.broken, now: at(1)) == .close)
        #expect(visit.step(.broken, now: at(1)) == nil)
    }
}
