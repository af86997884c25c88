// Limits of memory: which workers are measured and when, and what follows.

import Shared
import Testing

@testable import Policy

@Suite struct MemoryTests {
    private static let limit = 512 << 20
    private static let tooMuch = 530 << 20

    private func limited(_ change: (inout Configuration) -> Void = { _ in }) -> Script {
        Script {
            $0.worker.limits.memory = Self.limit
            change(&$0)
        }
    }

    private func measured(_ script: Script) -> [WorkerID] {
        script.effects.compactMap { effect in
            if case .measure(let id) = effect { id } else { nil }
        }
    }

    @Test func whereNobodyHasALimitNothingIsDue() {
        var script = Script()
        _ = script.ready(alice)
        #expect(script.supervisor.memory.deadline == nil)
        script.wait(.seconds(60))
        #expect(measured(script).isEmpty)
    }

    @Test func aUsersOwnLimitIsMeasuredAndEndsWithIt() {
        var script = Script()
        let worker = script.ready(alice) { $0.limits.memory = Self.limit }
        _ = script.ready(bob)
        script.wait(.seconds(25))
        #expect(measured(script) == [worker, worker])
        script.clear()
        script.moduser(alice) { _ in }
        script.wait(.seconds(60))
        #expect(measured(script).isEmpty)
        #expect(script.supervisor.memory.deadline == nil)
        #expect(script.started.isEmpty, "memory is no part of a start")
    }

    @Test func aRoundTakesTenSecondsAndNoTurnIsLong() {
        var script = limited { $0.worker.startConcurrency = 1000 }
        let workers = (1...240).compactMap { UserName("user-\($0)") }.map { script.ready($0) }
        script.clear()
        var turns: [Int] = []
        for _ in 0..<200 {
            script.wait(.milliseconds(100))
            let count = measured(script).count
            if count > 0 { turns.append(count) }
            script.effects.removeAll { if case .measure = $0 { true } else { false } }
        }
        #expect(turns.allSatisfy { $0 <= MemoryRound.most })
        #expect(turns.reduce(0, +) == 240 + MemoryRound.most, "once in the ten seconds after the first ten")
        script.clear()
        script.wait(.seconds(20))
        #expect(Set(measured(script)) == Set(workers))
    }

    @Test func whoUsesTooMuchIsSwappedAndTheCauseIsNamed() {
        var script = limited()
        let worker = script.ready(alice)
        script.clear()
        script.send(.measured(worker, memory: Self.limit))
        #expect(script.started.isEmpty, "the limit itself is allowed")
        script.send(.measured(worker, memory: Self.tooMuch))
        let cause = "too much memory: 512 MiB allowed, 530 MiB used"
        #expect(script.state(alice) == "swapping")
        #expect(script.status(alice).reason?.hasSuffix(cause) == true)
        #expect(script.happenings.contains { $0.rule == "memory" && $0.text == cause })
        #expect(script.happenings.contains { $0.rule == "swap" && $0.text == "swapping: \(cause)" })
        let process = script.explanation(alice)?.process
        #expect(process?.memory == Self.tooMuch && process?.memoryLimit == Self.limit)
        script.send(.notified(script.lastStarted(alice), .ready))
        #expect(script.state(alice) == "ready" && script.status(alice).reason == nil)
        script.send(.measured(worker, memory: Self.tooMuch))
        #expect(script.started.count == 1, "the one that leaves is not judged any more")
    }

    @Test func whoGrowsAtOnceIsSwappedWithBackoff() {
        var script = limited()
        var worker = script.ready(alice)
        var swaps: [Double] = []
        for _ in 0..<200 {
            script.clear()
            script.send(.measured(worker, memory: Self.tooMuch))
            if let new = script.started.last {
                swaps.append(script.now - Instant(nanoseconds: 0), in: .seconds(1))
                script.send(.notified(new, .ready))
                worker = new
            } else {
                #expect(script.status(alice).reason == "too much memory: 512 MiB allowed, 530 MiB used")
            }
            script.wait(.milliseconds(500))
        }
        #expect(swaps == [0, 0.5, 1, 2, 4, 64])
    }

    @Test func oneInTwentyAtATime() {
        var script = limited { $0.worker.startConcurrency = 100 }
        let workers = (1...40).compactMap { UserName("user-\($0)") }.map { script.ready($0) }
        script.clear()
        for worker in workers { script.send(.measured(worker, memory: Self.tooMuch)) }
        #expect(script.started.count == 2)
        #expect(script.rules.filter { $0 == "check-fuse" }.count == 1)
    }

    @Test func stopFirstLetsTheOldOneLeave() {
        var script = limited { $0.worker.swap = .stopFirst }
        let worker = script.ready(alice)
        script.clear()
        script.send(.measured(worker, memory: Self.tooMuch))
        #expect(script.started.isEmpty)
        #expect(script.state(alice) == "stopping")
        #expect(script.status(alice).reason == "too much memory: 512 MiB allowed, 530 MiB used")
        script.send(.exited(worker, .code(0)))
        #expect(script.started.count == 1)
    }

    /// A successor could not become ready, and no request is sent to the worker.
    @Test func whileTheDatabaseIsAwayNothingIsDone() {
        var script = limited { $0.databases = [DatabaseSettings("main-a")] }
        script.database("main-a", .available)
        let worker = script.ready(alice)
        script.database("main-a", .unavailable, "refused")
        script.clear()
        script.send(.measured(worker, memory: Self.tooMuch))
        #expect(script.effects.isEmpty && script.rules.isEmpty)
        script.database("main-a", .available)
        script.send(.measured(worker, memory: Self.tooMuch))
        #expect(script.state(alice) == "swapping")
    }

    @Test func aSuccessorThatFailsLeavesTheOldOneServing() {
        var script = limited()
        let worker = script.ready(alice)
        script.send(.measured(worker, memory: Self.tooMuch))
        let new = script.lastStarted(alice)
        script.send(.exited(new, .code(1)))
        #expect(script.state(alice) == "ready")
        script.clear()
        script.wait(.seconds(1))
        script.send(.measured(worker, memory: Self.tooMuch))
        #expect(script.started.count == 1, "tried again: nothing is wrong with the settings")
    }
}

extension [Double] {
    fileprivate mutating func append(_ duration: Duration, in unit: Duration) {
        append(duration / unit)
    }
}
