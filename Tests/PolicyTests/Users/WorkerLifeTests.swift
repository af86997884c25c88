// The life of one worker, from its user's file to its restart.

import Shared
import Testing

@testable import Policy

@Suite struct WorkerLifeTests {
    @Test func aNewUserGetsSocketLinkAndWorker() {
        var script = Script()
        script.hello(.pathwatch)
        script.clear()
        script.adduser(alice)
        let socket = SocketID(user: alice, generation: 1)
        let worker = WorkerID(user: alice, generation: 2)
        #expect(script.effects.starts(with: [.open(socket), .link(socket)]))
        #expect(script.socket(of: worker) == socket)
        #expect(script.state(alice) == "starting")
        script.send(.notified(worker, .ready))
        #expect(script.state(alice) == "ready")
        #expect(script.status(alice).reason == nil)
    }

    @Test func thePassedCheckMakesReadyWhereNoNotificationComes() {
        var script = Script()
        script.adduser(alice)
        let worker = script.lastStarted(alice)
        #expect(script.effects.contains { if case .check(let order) = $0 { order.awaitsReady } else { false } })
        script.verdict(worker, .failing, .refused)
        #expect(script.state(alice) == "starting")
        script.verdict(worker, .passing, .passed)
        #expect(script.state(alice) == "ready")
    }

    @Test func whoIsNeitherCheckedNorExpectedToNotifyIsReadyWhenExecuted() {
        var script = Script {
            $0.worker.check.path = ""
            $0.worker.heartbeat = .zero
        }
        script.adduser(alice)
        #expect(script.state(alice) == "ready")
    }

    @Test func aReadyWorkerThatDiesIsRestartedAtOnceOnTheSameSocket() {
        var script = Script()
        let first = script.ready(alice)
        let socket = script.socket(of: first)
        script.clear()
        script.send(.exited(first, .signal(9)))
        let second = script.lastStarted(alice)
        #expect(second.generation > first.generation)
        #expect(script.socket(of: second) == socket)
        #expect(!script.effects.contains { if case .answer = $0 { true } else { false } })
        #expect(script.status(alice).restarts == 1)
        #expect(script.status(alice).lastExit == "signal 9")
    }

    @Test func aSecondDeathInARowWaitsAndRequestsWaitToo() {
        var script = Script()
        script.send(.exited(script.ready(alice), .code(1)))
        script.send(.exited(script.lastStarted(alice), .code(1)))
        #expect(script.state(alice) == "waiting")
        script.clear()
        script.wait(.milliseconds(499))
        #expect(script.started.isEmpty)
        script.wait(.milliseconds(1))
        #expect(script.started.count == 1)
        #expect(script.socket(of: script.lastStarted(alice)) == SocketID(user: alice, generation: 1))
    }

    @Test func aCrashLoopIsReportedOnceTriedAtTheCapAndAnsweredByTheStandIn() {
        var script = Script()
        script.adduser(alice)
        for _ in 0..<8 {
            script.send(.exited(script.lastStarted(alice), .code(3)))
            script.wait(.seconds(4))
        }
        #expect(script.state(alice) == "crash-looping")
        #expect(script.rules.filter { $0 == "crash-loop" }.count == 1)
        #expect(script.effects.contains { if case .answer(_, .crashLooping) = $0 { true } else { false } })
        let before = script.started.count
        script.wait(.seconds(60))
        #expect(script.started.count == before + 1)
        let worker = script.lastStarted(alice)
        #expect(script.socket(of: worker) == SocketID(of: worker), "readiness is judged on a socket of its own")
        script.clear()
        script.send(.notified(worker, .ready))
        #expect(script.effects.contains(.link(SocketID(of: worker))))
        #expect(script.effects.contains { if case .retire(_, .crashLooping) = $0 { true } else { false } })
        #expect(script.state(alice) == "ready")
    }

    @Test func whoWaitsLongerThanTwoSecondsIsAnsweredUntilTheWorkerIsReady() {
        var script = Script()
        script.adduser(alice)
        let socket = SocketID(user: alice, generation: 1)
        script.wait(.milliseconds(1999))
        #expect(!script.effects.contains(.answer(socket, .starting)))
        script.wait(.milliseconds(1))
        #expect(script.effects.contains(.answer(socket, .starting)))
        script.send(.notified(script.lastStarted(alice), .ready))
        #expect(script.effects.contains(.quiet(socket)))
    }

    @Test func notReadyInTimeIsADeath() {
        var script = Script { $0.worker.readyTimeout = .seconds(5) }
        script.adduser(alice)
        let worker = script.lastStarted(alice)
        script.wait(.seconds(5))
        #expect(script.effects.contains(.signal(worker, Signal.abort, leaderOnly: true)))
        script.wait(.seconds(5))
        #expect(script.effects.contains(.signal(worker, Signal.kill, leaderOnly: false)))
        script.send(.exited(worker, .signal(9)))
        #expect(script.status(alice).restarts == 1)
        #expect(script.supervisor.users[alice]?.lastFailure == "not ready within 5s")
    }

    @Test func aProgramThatCannotBeExecutedSaysWhy() {
        var script = Script()
        script.adduser(alice)
        let worker = script.lastStarted(alice)
        script.send(.executionFailed(worker, why: "program nope: No such file or directory"))
        script.send(.exited(worker, .code(127)))
        script.send(.exited(script.lastStarted(alice), .code(127)))
        #expect(script.state(alice) == "waiting")
        #expect(script.happenings.contains { $0.text.contains("program nope") })
    }

    @Test func aLateReportAboutADeadProcessChangesNothing() {
        var script = Script()
        let first = script.ready(alice)
        script.send(.exited(first, .code(0)))
        let before = script.supervisor.users[alice]
        script.send(.notified(first, .ready))
        script.send(.exited(first, .code(0)))
        script.verdict(first, .failing, .timeout)
        #expect(script.supervisor.users[alice] == before)
    }

    @Test func aHungWorkerIsAbortedThenKilledThenReplacedOnItsSocket() {
        var script = Script()
        let worker = script.ready(alice)
        let socket = script.socket(of: worker)
        script.clear()
        script.verdict(worker, .failing, .timeout)
        #expect(script.effects.contains(.signal(worker, Signal.abort, leaderOnly: true)))
        #expect(script.effects.contains(.signal(worker, Signal.resume, leaderOnly: false)))
        script.wait(.seconds(5))
        #expect(script.effects.contains(.signal(worker, Signal.kill, leaderOnly: false)))
        script.send(.exited(worker, .signal(9)))
        #expect(script.socket(of: script.lastStarted(alice)) == socket)
        #expect(script.status(alice).restarts == 1)
    }

    @Test func aSickWorkerIsSwapped() {
        var script = Script()
        let worker = script.ready(alice)
        script.clear()
        script.verdict(worker, .failing, .wrongStatus, status: 500)
        #expect(script.state(alice) == "swapping")
        #expect(script.rules.contains("sick"))
    }

    @Test func startsAreLimitedAndPayingUsersComeFirst() {
        var script = Script { $0.worker.startConcurrency = 1 }
        script.adduser(alice)
        let carol = UserName("carol") ?? UserName()
        script.adduser(bob)
        script.adduser(carol) { $0.plan = .paid }
        #expect(script.started.map(\.user) == [alice])
        #expect(script.state(bob) == "queued")
        script.send(.notified(script.lastStarted(alice), .ready))
        #expect(script.started.map(\.user) == [alice, carol])
        script.send(.exited(script.lastStarted(carol), .code(1)))
        #expect(script.started.map(\.user) == [alice, carol, carol], "a paying user's restart comes first, too")
    }
}

@Suite struct StartOrderTests {
    private static let names = (1...6).compactMap { UserName("user-\($0)") }

    @Test func whoIsWaitedForComesFirst() {
        var script = Script { $0.worker.startConcurrency = 1 }
        for name in Self.names { script.adduser(name) { $0.plan = name == Self.names[5] ? .paid : .free } }
        let waiting = script.supervisor.users[Self.names[3]]?.face?.socket ?? SocketID()
        #expect(script.effects.contains(.watch(waiting)))
        script.send(.awaited(waiting))
        for _ in Self.names { script.send(.notified(script.started.last ?? WorkerID(), .ready)) }
        let order = [0, 3, 5, 1, 2, 4].map { Self.names[$0] }
        #expect(script.started.map(\.user) == order)
        #expect(script.effects.contains(.unwatch(waiting)))
        #expect(!script.effects.contains(.watch(SocketID(user: Self.names[0], generation: 1))), "it never waited")
    }

    @Test func aCrowdIsToldByOneLineASecond() {
        var script = Script { $0.worker.startConcurrency = 1 }
        for name in Self.names { script.adduser(name) }
        for _ in 0..<3 { script.wait(.seconds(1)) }
        let lines = script.happenings.filter { $0.rule == "progress" }.map(\.text)
        #expect(lines == Array(repeating: "0 of 6 users ready, 1 starting, 5 queued", count: 3))
        script.clear()
        for _ in Self.names { script.send(.notified(script.started.last ?? script.lastStarting, .ready)) }
        script.wait(.seconds(3))
        #expect(
            script.happenings.filter { $0.rule == "progress" }.map(\.text) == [
                "6 of 6 users ready, 0 starting, 0 queued"
            ])
        let gentle = script.effects.compactMap { effect -> Bool? in
            guard case .start(_, _, _, let gently) = effect else { return nil }
            return gently
        }
        #expect(gentle.first == true && gentle.last == false, "a crowd is started gently, a single user is not")
        let told = script.happenings.filter { $0.rule == "ready" && $0.weight == .routine }
        #expect(told.count < 6)
    }

    /// Gentleness lasts until a process is ready: where it is ready once its program runs, there is nothing to be gentle in.
    @Test func aCrowdThatIsReadyOnceItRunsIsNotStartedGently() {
        var script = Script {
            $0.worker.startConcurrency = 1
            $0.worker.heartbeat = .zero
            $0.worker.check.path = ""
        }
        for name in Self.names { script.adduser(name) }
        for _ in Self.names { script.send(.executed(script.lastStarting)) }
        let gentle = script.effects.compactMap { effect -> Bool? in
            guard case .start(_, _, _, let gently) = effect else { return nil }
            return gently
        }
        #expect(gentle == Self.names.map { _ in false })
    }
}
