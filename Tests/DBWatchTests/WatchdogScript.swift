// A script of events for a watchdog, with its own clock.

import Shared
import Testing

@testable import dbwatch

/// A watchdog and its clock: each call is an event, and answers the actions.
struct Script {
    var dog: Watchdog
    var now: Instant
    private(set) var verdicts: [Verdict] = []

    init(_ change: (inout DatabaseCheckSettings) -> Void = { _ in }) {
        var settings = DatabaseCheckSettings()
        change(&settings)
        now = Instant(nanoseconds: 1_000_000_000_000)
        dog = Watchdog(name: "main-a", settings: settings, now)
    }

    @discardableResult
    mutating func callAsFunction(_ event: Watchdog.Event, after: Duration = .milliseconds(1)) -> [Watchdog.Action] {
        now = now + after
        let actions = dog.step(event, now)
        for case .submit(let verdict) in actions { verdicts.append(verdict) }
        return actions
    }

    /// Lets time go on to the next deadline.
    @discardableResult
    mutating func sleep() -> [Watchdog.Action] {
        self(.time, after: max(.zero, dog.deadline - now))
    }

    /// Sleeps until the watchdog wants this; what else it wants meanwhile goes well.
    @discardableResult
    mutating func sleep(until wanted: Watchdog.Action) -> Duration {
        let start = now
        for _ in 0..<1000 {
            let actions = sleep()
            let time = now - start
            for action in actions where action != wanted { serve(action, login: nil) }
            if actions.contains(wanted) { return time }
        }
        Issue.record("never: \(wanted)")
        return now - start
    }

    /// Carries out what the watchdog wants.
    ///
    /// - Parameter login: what fresh logins beside the kept connection fail by; a timeout takes its time.
    private mutating func serve(_ action: Watchdog.Action, login: Cause?) {
        switch action {
        case .ask(let lane): self(.answered(lane, Answer(role: .readWrite)))
        case .connect(.kept): logIn(.kept)
        case .connect(.login):
            if let login, login != .timeout { self(.failed(.login, login)) }
            if login == .timeout { self(.resolved(.login)) }
            if login == nil { logIn(.login) }
        case .close, .submit: break
        }
    }

    mutating func logIn(_ lane: Lane, _ role: Role = .readWrite) {
        self(.resolved(lane))
        self(.connected(lane))
        self(.answered(lane, Answer(role: role)))
    }

    /// The first connection of all, passed.
    static func available(_ change: (inout DatabaseCheckSettings) -> Void = { _ in }) -> Script {
        var script = Script(change)
        script(.time)
        script.logIn(.kept)
        return script
    }

    var state: DatabaseState { dog.verdict.state }
    var cause: Cause? { dog.verdict.cause }
    var isInDoubt: Bool { dog.verdict.isInDoubt }

    /// One question on the kept connection, answered.
    mutating func answer(_ role: Role = .readWrite) {
        sleep(until: .ask(.kept))
        self(.answered(.kept, Answer(role: role)))
    }

    /// Lets time go on until it is unavailable, while nothing is answered on these lanes, from a connection on that the
    /// login lane has just begun.
    mutating func silence(_ lanes: [Lane]) {
        self(.resolved(.login))
        for _ in 0..<1000 where state == .available {
            for action in sleep() {
                switch action {
                case .connect(let lane) where lanes.contains(lane): self(.resolved(lane))
                case .ask(let lane) where lanes.contains(lane): break
                case .connect, .ask, .close, .submit: serve(action, login: nil)
                }
            }
        }
    }

    /// Lets time go on while the kept connection answers and fresh logins fail.
    mutating func run(for time: Duration, login: Cause?) {
        let end = now + time
        while now < end {
            for action in sleep() { serve(action, login: login) }
        }
    }
}
