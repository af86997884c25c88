// Changed settings, the operator's orders, deletion.

import Shared
import Testing

@testable import Policy

@Suite struct SwapTests {
    @Test func aChangeSwapsOnASocketOfItsOwnAndTheOldOneLeavesWhenNobodyWaits() {
        var script = Script()
        let old = script.ready(alice)
        let socket = script.socket(of: old) ?? SocketID()
        script.clear()
        script.moduser(alice) { $0.env["COLOUR"] = "blue" }
        let new = script.lastStarted(alice)
        #expect(script.socket(of: new) == SocketID(of: new))
        #expect(script.state(alice) == "swapping")
        #expect(!script.effects.contains(.link(SocketID(of: new))))
        script.send(.notified(new, .ready))
        #expect(script.effects.contains(.link(SocketID(of: new))))
        #expect(!script.effects.contains(.retire(socket, .restarting)))
        #expect(!script.effects.contains(.signal(old, Signal.terminate, leaderOnly: true)))
        script.wait(.milliseconds(20))
        #expect(script.effects.contains(.probe(socket, worker: old)))
        script.send(.probed(old, isEmpty: false))
        for _ in 0..<5 {
            #expect(!script.effects.contains(.signal(old, Signal.terminate, leaderOnly: true)))
            script.wait(.milliseconds(20))
            script.send(.probed(old, isEmpty: true))
        }
        #expect(script.effects.contains(.signal(old, Signal.terminate, leaderOnly: true)))
        script.send(.exited(old, .code(0)))
        #expect(script.effects.contains(.retire(socket, .restarting)))
        #expect(script.state(alice) == "ready")
        #expect(script.status(alice).restarts == 0)
    }

    @Test func aFailedSwapLeavesTheOldOneServingAndIsNotRepeated() {
        var script = Script()
        let old = script.ready(alice)
        script.moduser(alice) { $0.env["COLOUR"] = "wrong" }
        let new = script.lastStarted(alice)
        script.clear()
        script.send(.exited(new, .code(1)))
        #expect(script.state(alice) == "ready")
        #expect(script.status(alice).reason == "new settings failed: exit 1")
        #expect(script.supervisor.users[alice]?.actual.processes.map(\.id) == [old])
        #expect(script.effects.contains(.retire(SocketID(of: new), .restarting)))
        script.wait(.seconds(120))
        #expect(script.started.isEmpty)
        script.moduser(alice) { $0.env["COLOUR"] = "right" }
        #expect(script.started.count == 1)
        script.send(.notified(script.lastStarted(alice), .ready))
        #expect(script.status(alice).reason == nil)
    }

    @Test func restartTriesAFailedSwapAgain() {
        var script = Script()
        _ = script.ready(alice)
        script.moduser(alice) { $0.env["COLOUR"] = "wrong" }
        script.send(.exited(script.lastStarted(alice), .code(1)))
        script.clear()
        script.send(.restart(alice))
        #expect(script.started.count == 1)
        #expect(script.state(alice) == "swapping")
    }

    @Test func theOldOneDyingInASwapLeavesTheNewOneAsTheOnly() {
        var script = Script()
        let old = script.ready(alice)
        let socket = script.socket(of: old) ?? SocketID()
        script.send(.restart(alice))
        let new = script.lastStarted(alice)
        script.clear()
        script.send(.exited(old, .signal(11)))
        #expect(script.state(alice) == "starting")
        #expect(script.effects.contains(.link(SocketID(of: new))))
        #expect(script.effects.contains { if case .retire(socket, _) = $0 { true } else { false } })
        script.clear()
        script.send(.notified(new, .ready))
        #expect(script.state(alice) == "ready")
        #expect(!script.effects.contains { if case .link = $0 { true } else { false } })
    }

    @Test func aChangeThatNeedsNoRestartCausesNone() {
        var script = Script()
        _ = script.ready(alice)
        script.clear()
        script.moduser(alice) { $0.plan = .paid }
        script.moduser(alice) {
            $0.plan = .paid
            $0.check.path = "/ping"
        }
        #expect(script.started.isEmpty)
        #expect(
            script.effects.contains { if case .check(let order) = $0 { order.settings.path == "/ping" } else { false } }
        )
    }

    @Test func stopFirstNeverRunsTwo() {
        var script = Script { $0.worker.swap = .stopFirst }
        let old = script.ready(alice)
        script.clear()
        script.send(.restart(alice))
        #expect(script.started.isEmpty)
        #expect(script.effects.contains { if case .answer(_, .restarting) = $0 { true } else { false } })
        script.wait(.seconds(6))
        #expect(script.effects.contains(.signal(old, Signal.terminate, leaderOnly: true)) == false)
        script.send(.probed(old, isEmpty: false))
        #expect(script.effects.contains(.signal(old, Signal.terminate, leaderOnly: true)), "draining has a limit")
        script.send(.exited(old, .code(0)))
        #expect(script.started.count == 1)
        #expect(script.status(alice).restarts == 0)
    }

    @Test func aChangeWhileSwappingGivesUpTheNewProcess() {
        var script = Script()
        let old = script.ready(alice)
        script.moduser(alice) { $0.env["COLOUR"] = "blue" }
        let blue = script.lastStarted(alice)
        script.clear()
        script.moduser(alice) { $0.env["COLOUR"] = "red" }
        #expect(script.effects.contains(.signal(blue, Signal.terminate, leaderOnly: true)))
        let red = script.lastStarted(alice)
        #expect(red != blue)
        script.send(.exited(blue, .signal(15)))
        script.send(.notified(red, .ready))
        #expect(script.supervisor.users[alice]?.departing[old.generation] != nil)
        #expect(script.state(alice) == "ready")
    }

    @Test func holdStopsAndReleaseStartsOnASocketOfItsOwn() {
        var script = Script()
        let worker = script.ready(alice)
        script.clear()
        script.send(.hold(alice, reason: "unpaid"))
        #expect(script.effects.contains { if case .answer(_, .held) = $0 { true } else { false } })
        #expect(script.state(alice) == "stopping")
        for _ in 0..<5 {
            script.wait(.milliseconds(20))
            script.send(.probed(worker, isEmpty: true))
        }
        #expect(script.effects.contains(.signal(worker, Signal.terminate, leaderOnly: true)))
        script.send(.exited(worker, .code(0)))
        #expect(script.state(alice) == "held")
        #expect(script.status(alice).reason == "unpaid")
        script.wait(.seconds(600))
        #expect(script.started.isEmpty)
        script.clear()
        script.send(.release(alice))
        let next = script.lastStarted(alice)
        #expect(script.socket(of: next) == SocketID(of: next))
        script.send(.notified(next, .ready))
        #expect(script.effects.contains(.link(SocketID(of: next))))
        #expect(script.status(alice).restarts == 0)
    }

    @Test func aHoldOfAnEarlierMasterIsKept() {
        var script = Script(holds: [alice: "moved"])
        script.adduser(alice)
        #expect(script.started.isEmpty)
        #expect(script.state(alice) == "held")
    }

    @Test func aDisabledUserIsAnsweredAndNotStarted() {
        var script = Script()
        script.adduser(alice) { $0.enabled = false }
        #expect(script.started.isEmpty)
        #expect(script.state(alice) == "disabled")
        #expect(script.effects.contains { if case .answer(_, .disabled) = $0 { true } else { false } })
        script.moduser(alice) { $0.enabled = true }
        #expect(script.started.count == 1)
    }

    @Test func deletionUnlinksFirstAndForgetsWhenTheProcessIsGone() {
        var script = Script()
        let worker = script.ready(alice)
        script.clear()
        script.deluser(alice)
        #expect(script.effects.contains(.unlink(alice)))
        for _ in 0..<5 {
            script.wait(.milliseconds(20))
            script.send(.probed(worker, isEmpty: true))
        }
        script.send(.exited(worker, .code(0)))
        #expect(script.supervisor.users[alice] == nil)
        #expect(script.effects.contains { if case .retire = $0 { true } else { false } })
    }

    @Test func aUserDeletedAndAddedAgainStartsAnew() {
        var script = Script()
        let old = script.ready(alice)
        script.deluser(alice)
        script.clear()
        script.adduser(alice)
        let new = script.lastStarted(alice)
        #expect(new.generation > old.generation)
        script.send(.notified(new, .ready))
        script.send(.exited(old, .code(0)))
        #expect(script.state(alice) == "ready")
    }

    @Test func theSnapshotOfPathwatchDeletesWhoIsMissing() {
        var script = Script()
        script.adduser(alice)
        script.adduser(bob)
        script.say(.pathwatch, .path(.complete))
        let generation = script.supervisor.watchers[.pathwatch]?.generation ?? 0
        script.send(.watcherExited(.pathwatch, generation: generation, why: "signal 9"))
        script.send(.tick)
        script.clear()
        script.adduser(alice)
        #expect(script.started.isEmpty, "a user that is known and unchanged is left alone")
        script.say(.pathwatch, .path(.complete))
        #expect(!script.effects.contains(.unlink(bob)))
        script.wait(DeletionFuse.quiet)
        #expect(script.effects.contains(.unlink(bob)))
        #expect(!script.effects.contains(.unlink(alice)))
    }

    @Test func aFaultLeavesTheUserAsItWas() {
        var script = Script()
        _ = script.ready(alice)
        script.clear()
        script.say(.pathwatch, .path(.fault(UserFault(name: alice, text: "user.yaml:3:1: unknown key 'plam'"))))
        #expect(script.effects.isEmpty)
        #expect(script.state(alice) == "ready")
        #expect(script.status(alice).reason == "user.yaml:3:1: unknown key 'plam'")
        script.say(.pathwatch, .path(.faultless(alice)))
        #expect(script.status(alice).reason == nil)
    }
}
