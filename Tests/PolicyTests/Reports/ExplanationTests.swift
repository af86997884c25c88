// Why a user is as it is, as values.

import Shared
import Testing

@testable import Policy

@Suite struct ExplanationTests {
    @Test func aReadyUser() throws {
        var script = Script { $0.worker.heartbeat = .seconds(30) }
        let worker = script.ready(alice)
        let started = -Int64(2000)
        script.wait(.seconds(1))
        script.send(.notified(worker, .heartbeat))
        script.send(.notified(worker, .status("42 invoices")))
        script.wait(.seconds(1))
        let why = try #require(script.explanation(alice))
        #expect(why.status == script.status(alice))
        #expect(why.wanted == .up && why.wantedReason == nil)
        #expect(why.version == nil, "no packages are configured")
        #expect(why.process?.startedAt == started && why.process?.lastHeartbeat == started / 2)
        #expect(why.process?.memory == nil && why.process?.memoryLimit == nil)
        #expect(why.process?.ownStatus == "42 invoices")
        #expect(why.answerer == .worker && why.socket == script.socket(of: worker))
        #expect(why.deletion == nil && why.fault == nil && why.swapFailure == nil && why.lastFailure == nil)
    }

    @Test func whatIsWanted() throws {
        var script = Script { $0.databases = [DatabaseSettings("a", in: nil)] }
        func wanted(_ name: UserName) -> String {
            let why = script.explanation(name)
            return "\(why.map { "\($0.wanted)" } ?? "-"): \(why?.wantedReason ?? "-")"
        }
        script.adduser(alice) { $0.database = "a" }
        #expect(wanted(alice).hasPrefix("database-unknown: "))
        script.database("a", .available)
        #expect(wanted(alice) == "up: -")
        script.database("a", .unavailable, "refused")
        #expect(wanted(alice).hasPrefix("database-unavailable: ") && wanted(alice).hasSuffix("refused"))
        script.send(.hold(alice, reason: "debt"))
        #expect(wanted(alice) == "held: debt")
        #expect(script.explanation(alice)?.answerer == .standIn)
        script.adduser(bob) { $0.enabled = false }
        #expect(wanted(bob) == "disabled: -")
    }

    @Test func whichVersionAndWhy() throws {
        var script = Script { $0.packages = "/srv/packages" }
        func details(_ name: UserName) -> VersionDetails? { script.explanation(name)?.version }
        script.adduser(alice)
        #expect(details(alice)?.version == nil && details(alice)?.reason == .trouble)
        #expect(details(alice)?.trouble != nil)
        script.publish("1.0")
        script.publish("2.0")
        script.current("1.0")
        #expect(details(alice)?.version == "1.0" && details(alice)?.reason == .inForce)
        #expect(details(alice)?.running == "1.0" && details(alice)?.trouble == nil)
        script.adduser(bob) { $0.package = "2.0" }
        #expect(details(bob)?.version == "2.0" && details(bob)?.reason == .pinned)
    }

    @Test func aDeathAndAFault() throws {
        var script = Script()
        let worker = script.ready(alice)
        script.say(.pathwatch, .path(.fault(UserFault(name: alice, text: "/srv/users/alice/user.yaml:1:1: no"))))
        script.send(.exited(worker, .signal(11)))
        let why = try #require(script.explanation(alice))
        #expect(why.fault == "/srv/users/alice/user.yaml:1:1: no")
        #expect(why.status.lastExit?.contains("11") == true)
    }

    @Test func whoIsNoUser() {
        var script = Script()
        let clock = WallClock(wall: 0, now: script.now)
        let fault = UserFault(name: alice, text: "user.yaml:1:1: no")
        script.say(.pathwatch, .path(.fault(fault)))
        #expect(script.supervisor.explanation(alice, clock) == .fault(fault))
        #expect(script.supervisor.explanation(bob, clock) == nil)
    }

    /// A message has 64 KiB at most, whatever watchers and workers say.
    @Test func longTextsFitTheMessage() throws {
        var script = Script()
        let worker = script.ready(alice)
        let long = String(repeating: "€", count: 20_000)
        script.send(.notified(worker, .status(long)))
        script.say(.pathwatch, .path(.fault(UserFault(name: alice, text: long))))
        let why = try #require(script.explanation(alice))
        var bytes: [UInt8] = []
        try Frame.append(to: &bytes) { try ControlAnswer.explanation(why).write(to: &$0) }
        #expect(why.fault?.hasSuffix("€…") == true && why.fault?.utf8.count == 4095 + 3)
    }
}
