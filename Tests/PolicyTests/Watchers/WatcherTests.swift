// The life of the watchers, and the ordered end.

import Shared
import Testing

@testable import Policy

@Suite struct WatcherTests {
    @Test func aWatcherWithNothingToDoIsNotStarted() {
        let script = Script()
        let started = script.effects.compactMap { effect -> WatcherKind? in
            guard case .startWatcher(let kind, _) = effect else { return nil }
            return kind
        }
        #expect(started == [.keeper, .pathwatch, .dispatch])
    }

    @Test func helloBringsTheSnapshot() {
        var script = Script()
        script.hello(.keeper)
        #expect(script.effects.contains(.snapshot(.keeper)))
    }

    @Test func anExitLeadsToTheNextWithBackoff() {
        var script = Script()
        var delays: [Duration] = []
        for _ in 0..<6 {
            let generation = script.supervisor.watchers[.keeper]?.generation ?? 0
            script.send(.watcherExited(.keeper, generation: generation, why: "exit 1"))
            let before = script.now
            while script.supervisor.watchers[.keeper]?.generation == generation { script.wait(.milliseconds(100)) }
            delays.append(script.now - before)
        }
        #expect(delays.first == .milliseconds(100), "at once, at the next look")
        #expect(delays.last.map { $0 >= .seconds(4) && $0 <= .seconds(7) } == true)
        #expect(script.supervisor.watchers[.keeper]?.restarts == 6)
    }

    @Test func aSilentOneIsKilledWithinTenSecondsAndATalkingOneIsNot() {
        var script = Script()
        script.hello(.keeper)
        script.hello(.pathwatch)
        script.clear()
        for _ in 0..<20 {
            script.wait(.milliseconds(500))
            script.say(.pathwatch, .alive)
        }
        #expect(script.effects.contains(.killWatcher(.keeper)))
        #expect(!script.effects.contains(.killWatcher(.pathwatch)))
    }

    @Test func oneThatNeverSaysHelloIsKilled() {
        var script = Script()
        script.clear()
        script.wait(.seconds(10))
        #expect(script.effects.contains(.killWatcher(.keeper)))
    }

    @Test func itsSuccessorIsKilledAsWell() {
        var script = Script()
        for _ in 0..<3 {
            script.hello(.keeper)
            script.clear()
            script.wait(.seconds(10))
            #expect(script.effects.count { $0 == .killWatcher(.keeper) } == 1)
            let generation = script.supervisor.watchers[.keeper]?.generation ?? 0
            script.send(.watcherExited(.keeper, generation: generation, why: "signal 9"))
            // The time of the delay; what is asked meanwhile reaches no keeper.
            script.wait(.seconds(2))
            #expect(script.supervisor.watchers[.keeper]?.generation == generation + 1)
        }
    }

    @Test func anotherVersionIsRefusedWithAClearLine() {
        var script = Script()
        var hello = Hello(kind: .keeper, pid: script.supervisor.watchers[.keeper]?.pid ?? 0, generation: 1)
        hello.version = 99
        script.send(.watcherSaid(.keeper, generation: 1, .hello(hello)))
        #expect(script.effects.contains(.killWatcher(.keeper)))
        script.send(.watcherExited(.keeper, generation: 1, why: "signal 9"))
        #expect(script.happenings.contains { $0.text.contains("speaks protocol version 99, not \(protocolVersion)") })
    }

    @Test(arguments: [
        WatcherReport.alive,
        .path(.complete),
        .hello(Hello(kind: .dispatch, pid: 1, generation: 1)),
    ])
    func nonsenseBeforeHelloEndsTheWatcher(_ report: WatcherReport) {
        var script = Script()
        script.send(.watcherSaid(.keeper, generation: 1, report))
        #expect(script.effects.contains(.killWatcher(.keeper)))
    }

    @Test func aReportOfAnEarlierGenerationIsDropped() {
        var script = Script()
        script.hello(.pathwatch)
        script.send(.watcherExited(.pathwatch, generation: 1, why: "exit 1"))
        script.send(.tick)
        script.send(.watcherSaid(.pathwatch, generation: 1, .path(.adduser(UserSettings()))))
        #expect(script.supervisor.users.isEmpty)
    }

    @Test func theOrderedEndTakesWorkersThenWatchersThenMaster() {
        var script = Script()
        script.hello(.keeper)
        let worker = script.ready(alice)
        script.clear()
        script.send(.stop)
        #expect(script.effects.contains(.unlink(alice)))
        #expect(script.effects.contains(.signal(worker, Signal.terminate, leaderOnly: true)))
        #expect(!script.effects.contains(.dismissWatcher(.keeper)))
        script.send(.exited(worker, .code(0)))
        #expect(script.effects.contains(.dismissWatcher(.keeper)))
        for kind in WatcherKind.allCases {
            #expect(!script.effects.contains(.finish))
            guard let generation = script.supervisor.watchers[kind]?.generation else { continue }
            script.send(.watcherExited(kind, generation: generation, why: "exit 0"))
        }
        #expect(script.effects.filter { $0 == .finish }.count == 1)
    }

    @Test func whatDoesNotEndIsKilled() {
        var script = Script { $0.worker.stopTimeout = .seconds(3) }
        let worker = script.ready(alice)
        script.clear()
        script.send(.stop)
        script.wait(.seconds(3))
        #expect(script.effects.contains(.signal(worker, Signal.kill, leaderOnly: false)))
        script.send(.exited(worker, .signal(9)))
        script.wait(.seconds(2))
        #expect(script.effects.contains(.killWatcher(.pathwatch)))
    }

    @Test func nothingIsStartedDuringTheEnd() {
        var script = Script { $0.worker.startConcurrency = 1 }
        script.adduser(alice)
        script.adduser(bob)
        script.clear()
        script.send(.stop)
        script.send(.exited(WorkerID(user: alice, generation: 2), .signal(15)))
        script.adduser(UserName("dave") ?? UserName())
        script.wait(.seconds(1))
        #expect(script.started.isEmpty)
    }
}
