// The Supervisor in a wild world: whatever happens, the rules hold.

import Glibc
import Shared
import Synchronization
import Testing

@testable import Policy

@Suite struct SimulationTests {
    /// STEWARD_SEEDS=5000 asks for more of them.
    static let seeds: Range<UInt64> = 0..<(getenv("STEWARD_SEEDS").flatMap { UInt64(String(cString: $0)) } ?? 1000)

    @Test(arguments: getenv("STEWARD_SEED").flatMap { UInt64(String(cString: $0)) }.map { $0..<$0 + 1 } ?? seeds)
    func theRulesHold(seed: UInt64) {
        let simulation = Simulation(seed: seed)
        Alarm.during { simulation.play() }
        #expect(simulation.violations.isEmpty, "seed \(seed), up to the first violation:\n\(simulation.report)")
    }

    @Test func whatBreaksARuleIsSeen() {
        let simulation = Simulation(seed: 0)
        let worker = WorkerID(user: alice, generation: 7)
        let socket = SocketID(of: worker)
        simulation.judge(.retire(socket, .restarting))
        simulation.workers[worker] = Simulation.Worker(socket: socket, plan: WorkerPlan(), isTerminated: true)
        simulation.judge(.signal(worker, Signal.terminate, leaderOnly: true))
        simulation.judgeEnd()
        #expect(simulation.violations.map(\.rule) == [.heldSocketsOnly, .terminatedOnce, .end])
        #expect(simulation.report.contains("boot"))
    }
}

/// Ends the tests where a step of the Supervisor never does. Swift Testing's time limit cannot, and begins for all seeds
/// at once.
private enum Alarm {
    private static let running = Mutex(0)

    /// `body` may take a minute from the time on when the last one has begun beside it.
    static func during(_ body: () -> Void) {
        running.withLock { count in
            count += 1
            alarm(60)
        }
        body()
        running.withLock { count in
            count -= 1
            if count == 0 { alarm(0) }
        }
    }
}
