import Shared
import SharedSystem
import Testing

@testable import dispatcher

@Suite struct CheckRosterTests {
    private var roster = CheckRoster(bound: 4)
    private var now = Instant(nanoseconds: 1_000_000_000_000)
    private let passed = CheckResult(outcome: .passed, status: 200, latency: 1)

    private func order(_ number: Int, awaitsReady: Bool = false, interval: Duration = .seconds(10)) -> CheckOrder {
        var order = CheckOrder()
        order.worker = worker(number)
        order.socket = "/run/\(number)"
        order.settings.interval = interval
        order.awaitsReady = awaitsReady
        return order
    }

    private mutating func check(_ number: Int, awaitsReady: Bool = false) -> [CheckRoster.Effect] {
        roster.follow(.check(order(number, awaitsReady: awaitsReady)))
    }

    private mutating func begun() -> [WorkerID] {
        roster.begin(now).compactMap { if case .begin(let order) = $0 { order.worker } else { nil } }
    }

    /// The healths that were reported.
    private mutating func finish(_ number: Int, _ result: CheckResult, isTrusted: Bool = true) -> [Health] {
        roster.finish(worker(number), result, isTrusted: isTrusted, now: now).compactMap {
            if case .report(let verdict) = $0 { verdict.health } else { nil }
        }
    }

    private mutating func follow(_ order: ToDispatch) -> [CheckRoster.Effect] { roster.follow(order) }

    private mutating func isPostponed(_ number: Int) -> Bool { roster.postpone(worker(number), now: now) == [] }

    private mutating func isIdle() -> Bool { roster.next(now) == nil }

    private mutating func pass(_ seconds: Double) { now = now + .seconds(seconds) }

    @Test mutating func theFirstCheckIsAtOnceTheNextInItsPhase() throws {
        #expect(check(1) == [])
        #expect(begun() == [worker(1)])
        #expect(finish(1, passed) == [.passing])
        let next = roster.next(now)
        let first = try #require(next)
        #expect(first - now >= .seconds(5) && first - now <= .seconds(15))
        now = first
        #expect(begun() == [worker(1)])
        pass(0.5)
        #expect(finish(1, passed) == [])
        // The duration of a check does not shift the next one.
        let second = roster.next(now)
        #expect(second == first + .seconds(10))
    }

    @Test mutating func checksAreSpreadOverTheInterval() throws {
        roster = CheckRoster(bound: 1000)
        for number in 0..<1000 { _ = check(number) }
        #expect(begun().count == 1000)
        for number in 0..<1000 { _ = finish(number, passed) }
        let start = now
        var most = 0
        while now < start + .seconds(15) {
            pass(0.5)
            let workers = begun()
            most = max(most, workers.count)
            for worker in workers { _ = roster.finish(worker, passed, isTrusted: true, now: now) }
        }
        #expect(most > 0 && most < 100)
    }

    @Test mutating func atMostSoManyAtATime() {
        for number in 0..<10 { _ = check(number) }
        #expect(begun().count == 4)
        #expect(begun().isEmpty)
        #expect(finish(9, passed) == [.passing])
        #expect(begun() == [worker(5)])
    }

    @Test mutating func forgetting() {
        _ = check(1)
        #expect(begun() == [worker(1)])
        #expect(follow(.forget(worker(1))) == [.cancel(worker(1))])
        #expect(finish(1, .timeout) == [])
        #expect(isIdle())
        #expect(follow(.forget(worker(1))) == [])
        #expect(follow(.suspect(worker(1))) == [])
        #expect(begun().isEmpty)
    }

    @Test mutating func aNewOrderReplacesTheOldOne() {
        _ = check(1)
        _ = begun()
        #expect(check(1) == [.cancel(worker(1))])
        #expect(begun() == [worker(1)])
        #expect(finish(1, passed) == [.passing])
        var unwanted = order(1)
        unwanted.settings.path = ""
        #expect(follow(.check(unwanted)) == [])
        #expect(isIdle())
    }

    @Test mutating func aSuspectIsCheckedNextAndReported() {
        for number in 1...2 { _ = check(number) }
        #expect(begun() == [worker(2), worker(1)])
        #expect(finish(1, passed) + finish(2, passed) == [.passing, .passing])
        _ = roster.follow(.suspect(worker(1)))
        #expect(begun() == [worker(1)])
        #expect(finish(1, passed) == [.passing])
        pass(20)
        #expect(Set(begun()) == [worker(1), worker(2)])
        #expect(finish(1, passed) == [])
    }

    @Test mutating func aSuspicionDuringACheckIsAnsweredByTheNextOne() {
        _ = check(1)
        _ = begun()
        #expect(finish(1, passed) == [.passing])
        pass(20)
        #expect(begun() == [worker(1)])
        _ = roster.follow(.suspect(worker(1)))
        #expect(begun().isEmpty)
        #expect(finish(1, passed) == [])
        #expect(begun() == [worker(1)])
        #expect(finish(1, .timeout) == [.doubtful])
        #expect(begun().isEmpty)
    }

    @Test mutating func anAwaitedWorkerIsCheckedOftenAndReportedOnce() {
        _ = check(1, awaitsReady: true)
        var tries = 0
        for _ in 0..<40 {
            if begun() == [worker(1)] {
                tries += 1
                #expect(finish(1, .refused) == [])
            }
            pass(0.1)
        }
        #expect((5...9).contains(tries))
        pass(1)
        #expect(begun() == [worker(1)])
        #expect(finish(1, passed) == [.passing])
    }

    @Test mutating func untrustedResultsAreRepeatedButNotForEver() {
        _ = check(1)
        for _ in 0..<3 {
            #expect(begun() == [worker(1)])
            #expect(finish(1, .timeout, isTrusted: false) == [])
            #expect(begun().isEmpty)
            pass(0.2)
        }
        #expect(begun() == [worker(1)])
        #expect(finish(1, .timeout, isTrusted: false) == [.doubtful])
    }

    @Test mutating func aPostponedCheckSaysNothing() {
        _ = check(1)
        for _ in 0..<10 {
            #expect(begun() == [worker(1)])
            #expect(isPostponed(1))
            pass(0.2)
        }
        #expect(begun() == [worker(1)])
        #expect(finish(1, passed) == [.passing])
    }

    @Test mutating func byHandEverythingIsReported() {
        roster = CheckRoster(reportsAll: true)
        _ = check(1)
        _ = begun()
        #expect(finish(1, passed) == [.passing])
        pass(20)
        _ = begun()
        #expect(finish(1, passed) == [.passing])
    }

    @Test func lag() {
        var lag = LagMeter()
        let start = Instant(nanoseconds: 0)
        #expect(lag.isSteady(since: start))
        lag.note(planned: start + .seconds(1), now: start + .milliseconds(1200))
        lag.note(planned: nil, now: start + .seconds(2))
        #expect(lag.isSteady(since: start))
        lag.note(planned: start + .seconds(3), now: start + .milliseconds(3300))
        #expect(!lag.isSteady(since: start))
        #expect(!lag.isSteady(since: start + .milliseconds(3300)))
        #expect(lag.isSteady(since: start + .milliseconds(3301)))
    }
}
