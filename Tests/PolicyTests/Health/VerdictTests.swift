// The table of verdicts, cell by cell, and what keeps it from doing harm.

import Shared
import Testing

@testable import Policy

@Suite struct VerdictTests {
    /// heartbeat, check, and what is done while the database is fine.
    static let cells: [(Heartbeat, Symptom, Remedy)] = [
        (.none, .passing, .nothing), (.fresh, .passing, .nothing), (.stale, .passing, .nothing),
        (.none, .wrongStatus, .swap), (.fresh, .wrongStatus, .swap), (.stale, .wrongStatus, .swap),
        (.none, .timeout, .abort), (.fresh, .timeout, .swap), (.stale, .timeout, .abort),
        (.none, .refused, .abort), (.fresh, .refused, .swap), (.stale, .refused, .abort),
    ]

    @Test func everyCell() {
        #expect(Self.cells.count == Heartbeat.allCases.count * Symptom.allCases.count)
        for (heartbeat, check, remedy) in Self.cells {
            #expect(Remedy.for(heartbeat, check, .fine) == remedy, "\(heartbeat), \(check)")
            #expect(Remedy.for(heartbeat, check, .inDoubt) == .nothing)
            #expect(Remedy.for(heartbeat, check, .down) == .nothing)
        }
    }

    @Test func aPulseIsStaleAfterTwiceItsLongestSilenceOrTheLimit() {
        func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }
        var pulse = Pulse()
        #expect(pulse.heartbeat(at(100), limit: .seconds(30)) == .none)
        pulse.beat(at(0), limit: .seconds(30))
        #expect(pulse.heartbeat(at(30), limit: .seconds(30)) == .fresh)
        #expect(pulse.heartbeat(at(31), limit: .seconds(30)) == .stale)
        // The beats of a start are no rhythm.
        pulse.beat(at(1), limit: .seconds(30))
        #expect(pulse.heartbeat(at(31), limit: .seconds(30)) == .fresh)
        pulse.beat(at(4), limit: .seconds(30))
        pulse.beat(at(7), limit: .seconds(30))
        #expect(pulse.heartbeat(at(13), limit: .seconds(30)) == .fresh)
        #expect(pulse.heartbeat(at(14), limit: .seconds(30)) == .stale)
        pulse.beat(at(27), limit: .seconds(30))
        #expect(pulse.heartbeat(at(58), limit: .seconds(30)) == .stale)
        #expect(pulse.heartbeat(at(58), limit: .zero) == .none, "0s: none is expected")
    }

    @Test func aFreshHeartbeatTurnsAnAbortIntoASwap() {
        var script = Script()
        let worker = script.ready(alice)
        script.send(.notified(worker, .heartbeat))
        script.clear()
        script.verdict(worker, .failing, .timeout)
        #expect(script.state(alice) == "swapping")
        #expect(!script.effects.contains { if case .signal = $0 { true } else { false } })
    }

    @Test func aSickUserIsSwappedWithBackoff() {
        var script = Script()
        var worker = script.ready(alice)
        var swaps: [Duration] = []
        for _ in 0..<200 {
            script.clear()
            script.verdict(worker, .failing, .wrongStatus, status: 500)
            if let new = script.started.last {
                swaps.append(script.now - Instant(nanoseconds: 0))
                script.send(.notified(new, .ready))
                worker = new
            }
            script.wait(.milliseconds(500))
        }
        #expect(swaps.map { $0 / .seconds(1) } == [0, 0.5, 1, 2, 4, 64], "the sick are ready too: that ends no row")
    }

    @Test func atMostOneInTwentyAtATimeAndOneLineAboutTheRest() {
        var script = Script { $0.worker.startConcurrency = 100 }
        let names = (1...40).compactMap { UserName("user-\($0)") }
        let workers = names.map { script.ready($0) }
        script.clear()
        for worker in workers { script.verdict(worker, .failing, .timeout) }
        let aborted = script.rules.filter { $0 == "abort" }.count
        #expect(aborted == 2)
        #expect(script.rules.filter { $0 == "check-fuse" }.count == 1)
        for worker in workers.prefix(2) { script.send(.exited(worker, .signal(6))) }
        for worker in workers.suffix(2) { script.verdict(worker, .failing, .timeout) }
        #expect(script.rules.filter { $0 == "abort" }.count == 4, "when these are done the next ones may")
    }

    @Test func aHeldUserDoesNotOccupyTheFuse() {
        var script = Script()
        let worker = script.ready(alice)
        let other = script.ready(bob)
        script.verdict(worker, .failing, .wrongStatus, status: 500)
        script.send(.hold(alice, reason: "look"))
        script.clear()
        script.verdict(other, .failing, .timeout)
        #expect(script.rules.contains("abort"))
    }

    @Test func aDatabaseInDoubtKeepsItsWorkers() {
        var script = Script { $0.databases = [DatabaseSettings("main-a")] }
        script.database("main-a", .available)
        let worker = script.ready(alice)
        var report = DatabaseReport()
        report.name = "main-a"
        report.state = .available
        report.isInDoubt = true
        script.say(.dbwatch, .database(report))
        script.hello(.dispatch)
        script.clear()
        script.verdict(worker, .failing, .timeout)
        #expect(script.effects.isEmpty)
        #expect(script.state(alice) == "ready")
    }
}
