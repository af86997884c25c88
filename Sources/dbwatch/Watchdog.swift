// The watchdog of one database: what to do next, and what the answers mean. No I/O, no clock.
//
// It has two lanes. The kept lane holds a connection open and asks over it each interval: a server that dies ends the
// connection at once. The login lane makes a fresh login each login_interval, beside it: only that shows a postmaster
// that is stopped, and a server that is full. While there is no kept connection, connecting it is the login.
//
// Verdicts: a definite cause makes the database unavailable at once; timeouts, closed logins and what is not understood
// need `fall` in a row on their lane, each followed by another try at once, so that silence is believed `fall` timeouts
// after the first question that it leaves open; a login that passes on the kept lane takes back what others failed by.
// That dbwatch itself is short of something counts for nothing, and is tried again after a second. `rise` passes in a
// row, at least one of them a fresh login, make it available; the first verdict of all needs one pass only. The end of a
// connection that has answered before is no verdict: the reconnection's outcome is.

import Shared
import SharedSystem

enum Lane: Hashable, Sendable, CaseIterable {
    case kept, login
}

struct Watchdog: Sendable {
    enum Event: Equatable, Sendable {
        /// The host names are resolved, or there were none.
        case resolved(Lane)
        case connected(Lane)
        case answered(Lane, Answer)
        case failed(Lane, Cause)
        /// `deadline` has come.
        case time
    }

    enum Action: Equatable, Sendable {
        /// Resolve and connect: answered by `resolved`, then `connected` or `failed`.
        case connect(Lane)
        /// Answered by `answered` or `failed`.
        case ask(Lane)
        case close(Lane)
        case submit(Verdict)
    }

    private enum Stage {
        /// Nothing under way. To: resolving, at `next`.
        case closed(next: Instant)
        /// To: connecting, closed.
        case resolving(deadline: Instant)
        /// To: asking, closed.
        case connecting(deadline: Instant)
        /// `fresh`: nothing has been answered on this connection yet. To: resting, closed.
        case asking(since: Instant, deadline: Instant, fresh: Bool)
        /// Connected, on the kept lane only. To: asking at `next`, closed.
        case resting(next: Instant)

        /// When something has to be done, if no event comes before.
        var due: Instant {
            switch self {
            case .closed(let next), .resting(let next): next
            case .resolving(let deadline), .connecting(let deadline), .asking(_, let deadline, _): deadline
            }
        }
    }

    /// A lane, as far as it has come.
    private struct Track {
        var stage: Stage
        /// When the last attempt to connect began.
        var begun: Instant?
        /// Failures in a row.
        var failures = 0
    }

    /// Between two tries while a pass is expected at any moment or a failure is in doubt.
    static let quick = Duration.milliseconds(100)
    /// From a failure that is the first one to the second try.
    static let dying = Duration.milliseconds(10)
    /// The longest delay between two tries of a database that is unavailable.
    static let slow = Duration.seconds(1)

    private static let beats: UInt64 = 50

    var settings: DatabaseCheckSettings
    private(set) var verdict = Verdict()
    private var kept: Track
    private var login: Track
    /// Passes in a row, over both lanes, and whether a fresh login is among them.
    private var passes = 0
    private var hasLoggedIn = false
    /// Failures in a row for the same cause while unavailable: the exponent of the delay.
    private var setbacks = 0
    /// Spreads the databases over their intervals.
    private let phase: UInt64

    /// The first connection is due at once.
    init(name: String, settings: DatabaseCheckSettings, _ now: Instant) {
        self.settings = settings
        phase = Self.hash(name)
        kept = Track(stage: .closed(next: now))
        login = kept
        login.stage = .closed(next: tick(settings.loginInterval, after: now + settings.loginInterval))
    }

    /// When `time` is due.
    var deadline: Instant { min(kept.stage.due, login.stage.due) }

    private subscript(lane: Lane) -> Track {
        get {
            switch lane {
            case .kept: kept
            case .login: login
            }
        }
        set {
            switch lane {
            case .kept: kept = newValue
            case .login: login = newValue
            }
        }
    }

    mutating func step(_ event: Event, _ now: Instant) -> [Action] {
        switch event {
        case .resolved(let lane): resolved(lane, now)
        case .connected(let lane): connected(lane, now)
        case .answered(let lane, let answer): answered(lane, answer, now)
        case .failed(let lane, let cause): failed(lane, cause, now)
        case .time: Lane.allCases.flatMap { due($0, now) }
        }
    }

    // MARK: events

    private mutating func due(_ lane: Lane, _ now: Instant) -> [Action] {
        guard self[lane].stage.due <= now else { return [] }
        switch self[lane].stage {
        case .closed:
            if lane == .login && !isConnected && !isLoginInDoubt {
                self[lane].stage = .closed(next: tick(settings.loginInterval, after: now))
                return []
            }
            self[lane].begun = now
            self[lane].stage = .resolving(deadline: now + settings.timeout)
            return [.connect(lane)]
        case .resolving: return failed(lane, .notResolved, now)
        case .connecting, .asking: return failed(lane, .timeout, now)
        case .resting:
            self[lane].stage = .asking(since: now, deadline: now + settings.timeout, fresh: false)
            return [.ask(lane)]
        }
    }

    private mutating func resolved(_ lane: Lane, _ now: Instant) -> [Action] {
        guard case .resolving = self[lane].stage else { return [] }
        self[lane].stage = .connecting(deadline: now + settings.timeout)
        return []
    }

    private mutating func connected(_ lane: Lane, _ now: Instant) -> [Action] {
        guard case .connecting(let deadline) = self[lane].stage else { return [] }
        self[lane].stage = .asking(since: now, deadline: deadline, fresh: true)
        return [.ask(lane)]
    }

    private mutating func answered(_ lane: Lane, _ answer: Answer, _ now: Instant) -> [Action] {
        guard case .asking(let since, _, let fresh) = self[lane].stage else { return [] }
        self[lane].failures = 0
        if fresh { login.failures = 0 }
        verdict.isInDoubt = kept.failures + login.failures > 0
        let role = answer.role
        verdict.role = role
        verdict.maxConnections = answer.maxConnections ?? verdict.maxConnections
        verdict.latency = now - since
        if settings.writable, role != .readWrite {
            // The server answers, so the connection stays; it is the wrong server to work on.
            turnDown(role == .readOnly ? .readOnly : .inRecovery)
        } else {
            pass(fresh: fresh)
        }
        rest(lane, fresh: fresh, now)
        let close: [Action] = lane == .login ? [.close(.login)] : []
        return close + [.submit(verdict)]
    }

    private mutating func failed(_ lane: Lane, _ cause: Cause, _ now: Instant) -> [Action] {
        switch self[lane].stage {
        case .closed: return []
        case .resting, .asking(_, _, fresh: false):
            if cause == .closed {
                self[lane].stage = .closed(next: soonest(lane, now))
                return [.close(lane)]
            }
        case .resolving, .connecting, .asking(_, _, fresh: true): break
        }
        if case .shortage = cause {
            // The database was not even asked.
            self[lane].stage = .closed(next: max(now + Self.slow, soonest(lane, now)))
            return [.close(lane)]
        }
        self[lane].failures += 1
        let isDown = cause.isDefinite || self[lane].failures >= settings.fall || verdict.state == .unavailable
        if isDown {
            turnDown(cause)
        } else {
            verdict.isInDoubt = true
            interruptPasses()
        }
        self[lane].stage = .closed(next: isDown ? max(now + delay, soonest(lane, now)) : soonest(lane, now))
        return [.close(lane), .submit(verdict)]
    }

    // MARK: verdict

    private mutating func pass(fresh: Bool) {
        passes += 1
        if fresh {
            hasLoggedIn = true
            setbacks = 0
        }
        let isUp =
            switch verdict.state {
            case .unknown, .available: true
            case .unavailable: passes >= settings.rise && hasLoggedIn
            }
        guard isUp else { return }
        verdict.state = .available
        verdict.cause = nil
        setbacks = 0
    }

    private mutating func turnDown(_ cause: Cause) {
        // Another cause is news: the server is on its way down or up, so the next tries are quick again.
        setbacks = verdict.cause == cause ? setbacks + 1 : 0
        verdict.state = .unavailable
        verdict.cause = cause
        verdict.isInDoubt = false
        interruptPasses()
    }

    private mutating func interruptPasses() {
        passes = 0
        hasLoggedIn = false
    }

    // MARK: schedule

    private var isConnected: Bool {
        switch kept.stage {
        case .resting, .asking(_, _, fresh: false): true
        case .closed, .resolving, .connecting, .asking(_, _, fresh: true): false
        }
    }

    /// Logins have failed, and not yet often enough: whatever becomes of the kept connection, the count goes on.
    private var isLoginInDoubt: Bool { login.failures > 0 && verdict.state == .available }

    /// After an answer: when the lane is used again.
    private mutating func rest(_ lane: Lane, fresh: Bool, _ now: Instant) {
        let isDown = verdict.state == .unavailable
        let nextLogin = Stage.closed(next: tick(settings.loginInterval, after: now))
        switch lane {
        case .kept:
            kept.stage = .resting(next: isDown ? now + delay : tick(settings.interval, after: now))
            guard case .closed = login.stage else { return }
            if fresh {
                login.stage = nextLogin
            } else if isDown, passes > 0, !hasLoggedIn, login.failures == 0 {
                // Only the fresh login is missing.
                login.stage = .closed(next: soonest(.login, now))
            }
        case .login:
            login.stage = isDown && passes > 0 ? .closed(next: now + delay) : nextLogin
        }
    }

    /// Grows with the failures, from `quick` to `slow`, and is never longer than the interval.
    private var delay: Duration {
        let grown = Self.quick * (1 << min(setbacks, 8))
        return min(grown, Self.slow, settings.interval)
    }

    /// At once, but never so that a server which ends every connection is asked for a new one without pause.
    private func soonest(_ lane: Lane, _ now: Instant) -> Instant {
        guard let begun = self[lane].begun else { return now }
        // A connection to a dying server is cut off; the next try tells that no server is there any more.
        let pause = self[lane].failures == 1 ? Self.dying : Self.quick
        return max(now, begun + min(pause, settings.interval))
    }

    /// The next moment of this database's own rhythm: one of `beats` in an interval. Databases that share a beat are
    /// looked after in one turn of the loop, which costs little more than one of them.
    private func tick(_ interval: Duration, after now: Instant) -> Instant {
        let length = max(interval, .milliseconds(10)).nanoseconds
        let offset = Int64(phase % Self.beats) * (length / Int64(Self.beats))
        let since = (now.nanoseconds - offset) % length
        return now + .nanoseconds(length - (since < 0 ? since + length : since))
    }

    /// Finished as in MurmurHash3, because names differ in their last character.
    private static func hash(_ name: String) -> UInt64 {
        var fingerprint = Fingerprint()
        fingerprint.add(name.utf8)
        let hash = (fingerprint.value ^ (fingerprint.value >> 33)) &* 0xff51_afd7_ed55_8ccd
        return hash ^ (hash >> 33)
    }
}
