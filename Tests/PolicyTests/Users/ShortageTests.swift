// The policy where no process can be made: no worker has died, and it is tried again.

import Shared
import Testing

@testable import Policy

@Suite struct ShortageTests {
    private let why = "clone: Resource temporarily unavailable"

    /// How long until the next start, after so many attempts that have failed.
    private func delays(_ script: inout Script, _ count: Int) -> [Duration] {
        (0..<count).map { _ in
            let begin = script.now
            script.clear()
            script.send(.startFailed(script.lastStarting, why: why))
            while script.started.isEmpty { script.wait(.milliseconds(100)) }
            return script.now - begin
        }
    }

    @Test func aStartWithoutAProcessIsNoDeath() {
        var script = Script()
        script.makesProcesses = false
        script.adduser(alice)
        script.send(.startFailed(script.lastStarting, why: why))
        #expect(script.state(alice) == "waiting")
        #expect(script.status(alice).reason == "no process can be made: \(why); next try in 0.0 s")
        #expect(script.rules.filter { $0 == "start-delayed" }.count == 1)
        script.wait(.milliseconds(1))

        let delays = delays(&script, 10)
        // With a jitter of a fifth, from half a second up to five.
        #expect(zip(delays, delays.dropFirst()).allSatisfy { $0 <= $1 * 1.6 }, "\(delays)")
        #expect(delays.allSatisfy { $0 > .milliseconds(300) && $0 < .milliseconds(6100) }, "\(delays)")
        #expect(!script.rules.contains("start-delayed") && !script.rules.contains("crash-loop"))

        script.makesProcesses = true
        script.send(.startFailed(script.lastStarting, why: why))
        script.wait(.seconds(7))
        script.send(.notified(script.lastStarted(alice), .ready))
        #expect(script.state(alice) == "ready")
        #expect(script.status(alice).restarts == 0 && script.status(alice).reason == nil)
    }

    @Test func aSwapWithoutAProcessIsPutOff() {
        var script = Script()
        let old = script.ready(alice)
        script.makesProcesses = false
        script.moduser(alice) { $0.env = ["A": "b"] }
        script.send(.startFailed(script.lastStarting, why: why))
        #expect(script.state(alice) == "ready")
        #expect(script.status(alice).reason == "no process can be made: \(why)")
        script.makesProcesses = true
        script.wait(.seconds(2))
        let new = script.lastStarted(alice)
        #expect(new != old)
        script.send(.notified(new, .ready))
        #expect(script.status(alice).reason == nil)
    }

    @Test func aFloodOfReportsIsToldFromASnapshot() {
        var budget = ReportBudget()
        let now = Instant(nanoseconds: 1_000_000_000)
        let admitted = [100_000, 100_000, 1].map { budget.admits($0, now) }
        #expect(admitted == [true, true, false])
        var steady = ReportBudget()
        let seconds = (0..<100).map { steady.admits(10_000, now + .seconds($0)) }
        #expect(!seconds.contains(false))
    }
}
