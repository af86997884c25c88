// What a service manager hears of master, as a script.

import Shared
import Testing

@testable import Policy
@testable import master

@Suite struct ServiceNoticesTests {
    /// Notices on a clock that is moved by hand, with a status line that is set by hand.
    private struct Script {
        var now = Instant(nanoseconds: 5_000_000_000)
        var notices: ServiceNotices
        var tally = "0 users, 0 ready"
        var tallied = 0

        init(watchdog: Duration? = nil) {
            notices = ServiceNotices(watchdog: watchdog, now: now)
        }

        mutating func after(_ milliseconds: Int, isTaken: Bool = true) -> [String] {
            now = now + .milliseconds(milliseconds)
            let lines = notices.due(now) {
                tallied += 1
                return tally
            }
            if !lines.isEmpty {
                if isTaken { notices.taken(lines, now) } else { notices.refused(now) }
            }
            return lines
        }

        /// From now to the next deadline, in milliseconds.
        var pause: Double? { notices.deadline.map { ($0 - now).milliseconds } }
    }

    @Test func readinessIsSaidOnce() {
        var script = Script()
        script.notices.isReady()
        #expect(script.after(0) == ["READY=1", "STATUS=0 users, 0 ready"])
        #expect(script.after(10_000) == [])
        #expect(script.pause == nil)
    }

    @Test func heartbeatComesAtHalfTheTime() {
        var script = Script(watchdog: .seconds(10))
        #expect(script.after(0) == ["WATCHDOG=1", "STATUS=0 users, 0 ready"])
        #expect(script.pause == 5000)
        #expect(script.after(4999) == [])
        #expect(script.after(1) == ["WATCHDOG=1"])
        #expect(script.after(7000) == ["WATCHDOG=1"])
        #expect(script.pause == 5000)
    }

    @Test func statusIsSaidWhenItChangesAndOnceASecond() {
        var script = Script()
        #expect(script.after(0) == ["STATUS=0 users, 0 ready"])
        script.tally = "1 users, 0 ready"
        // The status is not looked at until something has happened.
        #expect(script.after(5000) == [])
        #expect(script.tallied == 1)
        script.notices.mayHaveChanged()
        #expect(script.pause == -4000)
        #expect(script.after(0) == ["STATUS=1 users, 0 ready"])
        script.tally = "1 users, 1 ready"
        script.notices.mayHaveChanged()
        #expect(script.after(999) == [])
        #expect(script.pause == 1)
        #expect(script.after(1) == ["STATUS=1 users, 1 ready"])
        script.notices.mayHaveChanged()
        #expect(script.after(1000) == [], "it is the same")
        #expect(script.tallied == 4)
    }

    @Test func stoppingIsSaidOnce() {
        var script = Script()
        _ = script.after(0)
        script.notices.stops()
        script.notices.stops()
        #expect(script.after(0) == ["STOPPING=1"])
        script.notices.stops()
        #expect(script.after(0) == [])
    }

    @Test func eachEndOfAReloadFollowsItsBeginning() {
        var script = Script()
        _ = script.after(0)
        for _ in 0..<2 { script.notices.reloads(script.now) }
        var heard: [[String]] = []
        while script.pause == 0 || !(heard.count >= 4) { heard.append(script.after(0)) }
        #expect(heard == [["RELOADING=1\nMONOTONIC_USEC=5000000"], ["READY=1"]] + Array(heard.prefix(2)))
        #expect(script.pause == nil)
    }

    @Test func whatDoesNotArriveIsSaidAgain() {
        var script = Script(watchdog: .seconds(10))
        script.notices.isReady()
        let all = ["READY=1", "WATCHDOG=1", "STATUS=0 users, 0 ready"]
        #expect(script.after(0, isTaken: false) == all)
        #expect(script.pause == 200)
        #expect(script.after(199) == [])
        #expect(script.after(1, isTaken: false) == all)
        #expect(script.after(200) == all)
        #expect(script.pause == 5000)
    }

    @Test func environmentOfAManagerIsUnderstood() {
        func read(_ variables: [String: String]) -> ServiceEnvironment? { ServiceEnvironment(variables, pid: 42) }
        #expect(read([:]) == nil)
        for address in ["", "/", "@", "vsock:2:1", "relative"] { #expect(read(["NOTIFY_SOCKET": address]) == nil) }
        #expect(read(["NOTIFY_SOCKET": "/run/x"])?.address == "/run/x")
        #expect(read(["NOTIFY_SOCKET": "@x"])?.address == "@x")
        func watchdog(_ usec: String, _ pid: String?) -> Duration? {
            var variables = ["NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": usec]
            variables["WATCHDOG_PID"] = pid
            return read(variables)?.watchdog
        }
        #expect(watchdog("10000000", nil) == .seconds(10))
        #expect(watchdog("10000000", "42") == .seconds(10))
        #expect(watchdog("10000000", "43") == nil, "the watchdog is about another process")
        for text in ["", "0", "-1", "ten"] { #expect(watchdog(text, nil) == nil) }
    }
}
