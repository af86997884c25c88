// The Supervisor in a wild world: whatever happens, the rules hold.

import Glibc
import Shared
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
