// What a new Supervisor makes of what an earlier one has left.

import Shared
import Testing

@testable import Policy

@Suite struct AdoptionScripts {
    private func socket(_ generation: UInt64) -> SocketID { SocketID(user: alice, generation: generation) }
    private func worker(_ generation: UInt64) -> WorkerID { WorkerID(user: alice, generation: generation) }

    /// The plan that alice's worker has been started by; another environment makes another one.
    private func plan(_ env: [String: String] = [:]) -> UInt64 {
        var script = Script()
        script.adduser(alice) { $0.env = env }
        return script.supervisor.users[alice].map { script.supervisor.plan(for: $0).identity.fingerprint } ?? 0
    }

    private func process(
        _ generation: UInt64, socket: UInt64? = nil, _ stage: ProcessRecord.Stage, plan: UInt64? = nil
    ) -> ProcessRecord {
        var process = ProcessRecord()
        process.generation = generation
        process.socket = socket ?? generation
        process.pid = Int32(1000 + generation)
        process.startTime = generation
        process.stage = stage
        if stage != .starting { process.readyAt = Instant(nanoseconds: 0) }
        process.fingerprint = plan ?? self.plan()
        return process
    }

    private func remains(_ processes: [ProcessRecord], face: Face?, dead: Set<UInt64> = []) -> Remains {
        var record = UserRecord()
        record.name = alice
        record.generation = processes.map(\.generation).max() ?? 0
        record.processes = processes
        var left = Remains(record: record, face: face)
        left.sockets = Set(processes.map { socket($0.socket) } + [face?.socket].compactMap { $0 })
        for generation in dead { left.ends[generation] = "died while no master ran" }
        return left
    }

    private func script(_ left: Remains, _ change: (inout UserSettings) -> Void = { _ in }) -> Script {
        var script = Script(remains: [alice: left])
        script.clear()
        script.adduser(alice, change)
        return script
    }

    @Test func whoIsReadyIsLeftAlone() {
        let script = script(remains([process(3, socket: 1, .ready)], face: Face(socket: socket(1))))
        #expect(script.state(alice) == "ready")
        #expect(script.status(alice).pid == 1003)
        #expect(script.supervisor.adopted == 1)
        #expect(script.started.isEmpty)
        #expect(!script.effects.contains { if case .signal = $0 { true } else { false } })
    }

    @Test func whoseSettingsHaveChangedIsSwapped() {
        var script = script(remains([process(3, socket: 1, .ready)], face: Face(socket: socket(1)))) {
            $0.env = ["A": "1"]
        }
        #expect(script.started.isEmpty, "they may be many: that is seen when everybody is known")
        script.say(.pathwatch, .path(.complete))
        #expect(script.state(alice) == "swapping")
        #expect(script.started == [worker(4)])
    }

    @Test func whoDiedIsRestartedOnItsSocket() {
        let script = script(remains([process(3, socket: 1, .ready)], face: Face(socket: socket(1)), dead: [3]))
        #expect(script.started == [worker(4)])
        #expect(script.socket(of: worker(4)) == socket(1))
        #expect(script.status(alice).restarts == 1)
    }

    @Test func whoHasNoProcessStaysOnItsDatabase() {
        var left = remains([], face: nil)
        left.record.database = "b"
        var script = Script(
            { $0.databases = ["a", "b"].map { DatabaseSettings($0, in: "main") } }, remains: [alice: left])
        for name in ["a", "b"] { script.database(name, .available) }
        script.adduser(alice) { $0.database = "a" }
        #expect(script.status(alice).database == "b")
    }

    @Test func aSwapGoesOn() {
        let left = remains([process(1, .ready), process(2, .starting)], face: Face(socket: socket(1)))
        var script = script(left)
        #expect(script.state(alice) == "swapping")
        script.send(.notified(worker(2), .ready))
        #expect(script.effects.contains(.link(socket(2))))
        #expect(script.state(alice) == "ready")
    }

    @Test func whoWasLeavingGoesOnLeaving() {
        let left = remains([process(1, .draining), process(2, .ready)], face: Face(socket: socket(2)))
        var script = script(left)
        #expect(script.status(alice).pid == 1002)
        for _ in 1...5 {
            script.wait(.milliseconds(20))
            script.send(.probed(worker(1), isEmpty: true))
        }
        #expect(script.effects.contains(.signal(worker(1), Signal.terminate, leaderOnly: true)))
    }

    /// Master died between the readiness and the link.
    @Test func theLinkFollowsTheReadyOne() {
        let script = script(remains([process(2, .ready)], face: Face(socket: socket(1))))
        #expect(script.effects.contains(.link(socket(2))))
        #expect(script.effects.contains(.retire(socket(1), .restarting)))
    }

    @Test func aHeldUserStaysHeld() {
        var script = Script(
            holds: [alice: "unpaid"], remains: [alice: remains([], face: Face(socket: socket(1), standIn: .held))])
        script.clear()
        script.adduser(alice)
        #expect(script.state(alice) == "held")
        #expect(script.started.isEmpty)
        #expect(!script.effects.contains { if case .open = $0 { true } else { false } })
    }

    @Test func aDelayGoesOn() {
        var left = remains([], face: Face(socket: socket(1)))
        left.record.waitsUntil = Instant(nanoseconds: 5_000_000_000)
        var script = script(left)
        #expect(script.state(alice) == "waiting")
        script.wait(.seconds(4))
        #expect(script.started.isEmpty)
        script.wait(.seconds(2))
        #expect(script.started.count == 1)
    }

    @Test func whoHasLostItsSocketIsReplaced() {
        var left = remains([process(1, .ready)], face: nil)
        left.sockets = []
        let script = script(left)
        #expect(script.started == [worker(3)])
        #expect(script.effects.contains(.link(socket(2))))
        #expect(script.supervisor.users[alice]?.departing[1] != nil)
    }

    @Test func whatHappensBeforeTheUserIsReportedCounts() {
        var script = Script(
            remains: [alice: remains([process(1, .starting)], face: Face(socket: socket(1)))])
        script.send(.notified(worker(1), .ready))
        script.send(.exited(worker(1), .signal(9)))
        script.clear()
        script.adduser(alice)
        #expect(script.started == [worker(2)])
        #expect(script.happenings.contains { $0.text.contains("died: signal 9") })
    }

    @Test func whoIsNotReportedIsEnded() {
        var script = Script(remains: [alice: remains([process(1, .ready)], face: Face(socket: socket(1)))])
        script.clear()
        script.say(.pathwatch, .path(.complete))
        script.wait(.seconds(1))
        #expect(script.effects.contains(.unlink(alice)))
        script.wait(.seconds(6))
        script.send(.probed(worker(1), isEmpty: true))
        #expect(script.effects.contains(.signal(worker(1), Signal.terminate, leaderOnly: true)))
        script.send(.exited(worker(1), .code(0)))
        #expect(script.supervisor.users.isEmpty)
    }

    @Test func whoseFileIsWrongRunsOn() {
        var script = Script(remains: [alice: remains([process(1, .ready)], face: Face(socket: socket(1)))])
        script.clear()
        script.say(.pathwatch, .path(.fault(UserFault(name: alice, text: "user.yaml:1:1: no"))))
        script.say(.pathwatch, .path(.complete))
        #expect(!script.effects.contains(.unlink(alice)))
        script.adduser(alice)
        #expect(script.status(alice).pid == 1001)
    }

    @Test func theOrderedEndTakesThemAlong() {
        var script = Script(remains: [alice: remains([process(1, .ready)], face: Face(socket: socket(1)))])
        script.clear()
        script.send(.stop)
        #expect(script.effects.contains(.signal(worker(1), Signal.terminate, leaderOnly: true)))
    }
}
