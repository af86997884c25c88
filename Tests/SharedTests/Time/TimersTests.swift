// Timers: a script for each rule, and random operations against a dictionary.

import Testing

@testable import Shared

@Suite struct TimersTests {
    private func at(_ nanoseconds: Int64) -> Instant { Instant(nanoseconds: nanoseconds) }

    @Test func theEarliestComesFirst() {
        var timers = Timers<String>()
        #expect(timers.next == nil)
        timers.set("late", at: at(30))
        timers.set("early", at: at(10))
        timers.set("also early", at: at(10))
        #expect(timers.next == at(10))
        #expect(timers.popDue(at(9)) == nil)
        #expect(timers.popDue(at(10)) == "early")
        #expect(timers.popDue(at(10)) == "also early")
        #expect(timers.popDue(at(10)) == nil)
        #expect(timers.next == at(30))
    }

    @Test func settingAgainReplaces() {
        var timers = Timers<String>()
        timers.set("a", at: at(10))
        timers.set("a", at: at(20))
        #expect(timers.next == at(20))
        timers.set("a", at: at(5))
        #expect(timers.popDue(at(100)) == "a")
        #expect(timers.popDue(at(100)) == nil)
    }

    @Test func cancellingForgets() {
        var timers = Timers<String>()
        timers.set("a", at: at(10))
        timers.cancel("a")
        timers.cancel("b")
        #expect(timers.next == nil)
        #expect(timers.popDue(at(100)) == nil)
        timers.set("a", at: at(20))
        #expect(timers.popDue(at(100)) == "a")
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func behavesAsItsModel(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var timers = Timers<Int>()
        var model: [Int: Instant] = [:]
        for now in 0..<3000 as Range<Int64> {
            let key = Int.random(in: 0..<20, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let instant = at(now + Int64.random(in: 0..<200, using: &random))
                timers.set(key, at: instant)
                model[key] = instant
            case 2:
                timers.cancel(key)
                model[key] = nil
            default:
                var due: [Int] = []
                while let key = timers.popDue(at(now)) { due.append(key) }
                #expect(Set(due) == Set(model.filter { $0.value <= at(now) }.keys))
                #expect(due.count == Set(due).count)
                model = model.filter { $0.value > at(now) }
            }
            #expect(timers.next == model.values.min())
        }
    }
}
