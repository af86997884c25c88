// The watchers: which run, which are awaited, which have fallen silent.
//
// Master pings every 2 s. A ping that is unanswered for 5 s ends the watcher, so a stopped watcher is replaced within
// ten seconds. A hello of another version, a wrong generation or a report out of turn ends it, too. Its exit leads to
// the next start, with backoff. The table does not know what a report means. Nothing is fatal: if a watcher cannot be
// started, it is tried for ever.

import Shared

struct Watcher: Equatable, Sendable {
    enum State: Equatable, Sendable {
        /// Not running; its next start is due at that time, or when it is needed. → starting
        case waiting(until: Instant?)
        /// Has not said hello yet. → up, waiting
        case starting(pid: Int32?)
        /// → waiting
        case up(pid: Int32)
    }

    var state = State.waiting(until: nil)
    var generation: UInt64 = 0
    /// When the first question that it has not answered was put to it. Time in which master did not ask does not count:
    /// master may have been stopped itself.
    var askedAt: Instant?
    var upSince: Instant?
    /// There is nothing to do for it any more: it is not started again.
    var isDismissed = false
    var restarts = 0
    var history = RestartHistory()
    /// Why it was killed, where master did it.
    var complaint: String?

    var isUp: Bool {
        switch state {
        case .waiting, .starting: false
        case .up: true
        }
    }

    var isWaiting: Bool {
        switch state {
        case .waiting: true
        case .starting, .up: false
        }
    }

    var pid: Int32? {
        switch state {
        case .waiting: nil
        case .starting(let pid): pid
        case .up(let pid): pid
        }
    }

    /// Its deaths in a row: at once, then from half a second up to five.
    static var restart: RestartSettings {
        var settings = RestartSettings()
        settings.cap = .seconds(5)
        return settings
    }
}

struct WatcherTable {
    static let pingInterval = Duration.seconds(2)
    /// A watcher is replaced when it has not answered for this long: with the ping interval and the time of a start a
    /// stopped one is replaced within ten seconds.
    static let silence = Duration.seconds(5)
    /// From the request to leave to SIGKILL.
    private static let endTimeout = Duration.seconds(2)

    /// What comes of a packet.
    enum Word: Equatable {
        case nothing
        /// It has said hello and has to be told everything.
        case up
        case report(WatcherReport)
    }

    /// A watcher is there as soon as it was needed once.
    private(set) var rows: [WatcherKind: Watcher] = [:]
    private var pingAt: Instant?
    /// Set by the ordered end: those that are still there are killed then.
    private var killAt: Instant?
    private var isEnding = false

    init(needed: [WatcherKind]) {
        for kind in needed { rows[kind] = Watcher() }
    }

    subscript(kind: WatcherKind) -> Watcher? { rows[kind] }

    /// Whether none runs.
    var areAllGone: Bool { rows.values.allSatisfy(\.isWaiting) }

    // MARK: deadlines

    var deadline: Instant? {
        let starts = rows.values.compactMap { row -> Instant? in
            guard case .waiting(let until) = row.state else { return nil }
            return until
        }
        return (starts + [pingAt, killAt].compactMap(\.self)).min()
    }

    /// Does what is due first, of what is due.
    mutating func expire(_ out: inout Outbox) {
        guard let first = deadline, first <= out.now else { return }
        if pingAt == first { return ping(&out) }
        for kind in WatcherKind.allCases where rows[kind]?.state == .waiting(until: first) {
            rows[kind]?.state = .waiting(until: nil)
            return start(kind, &out)
        }
        guard killAt == first else { return }
        killAt = nil
        for kind in WatcherKind.allCases where rows[kind]?.pid != nil { out.emit(.killWatcher(kind)) }
    }

    private mutating func ping(_ out: inout Outbox) {
        pingAt = out.now + Self.pingInterval
        for kind in WatcherKind.allCases {
            guard let watcher = rows[kind], !watcher.isWaiting else { continue }
            if let asked = watcher.askedAt, out.now - asked > Self.silence {
                accuse(kind, "silent for \(Int((out.now - asked).milliseconds / 1000)) s", &out)
            } else if watcher.isUp {
                rows[kind]?.askedAt = watcher.askedAt ?? out.now
                out.emit(.ping(kind))
            }
        }
    }

    // MARK: what is needed

    mutating func boot(_ out: inout Outbox) {
        for kind in WatcherKind.allCases { start(kind, &out) }
        pingAt = out.now + Self.pingInterval
    }

    /// There is something to do for it.
    mutating func need(_ kind: WatcherKind, _ out: inout Outbox) {
        guard rows[kind]?.isDismissed ?? true else { return }
        rows[kind, default: Watcher()].isDismissed = false
        start(kind, &out)
    }

    /// There is nothing to do for it any more.
    mutating func dismiss(_ kind: WatcherKind, _ out: inout Outbox) {
        guard let watcher = rows[kind], !watcher.isDismissed else { return }
        rows[kind]?.isDismissed = true
        if watcher.isWaiting { rows[kind]?.state = .waiting(until: nil) } else { out.emit(.dismissWatcher(kind)) }
    }

    /// Where it is up: one that is not is told everything when it is.
    mutating func inform(_ kind: WatcherKind, _ out: inout Outbox) {
        if let watcher = rows[kind], watcher.isUp, !watcher.isDismissed { out.emit(.snapshot(kind)) }
    }

    /// From now on none is started again.
    mutating func stop() {
        isEnding = true
    }

    /// The ordered end, when no user is left.
    mutating func end(_ out: inout Outbox) {
        for kind in WatcherKind.allCases.reversed() {
            guard let watcher = rows[kind] else { continue }
            if watcher.isWaiting { rows[kind]?.state = .waiting(until: nil) } else { out.emit(.dismissWatcher(kind)) }
        }
        pingAt = nil
        killAt = out.now + Self.endTimeout
    }

    private mutating func start(_ kind: WatcherKind, _ out: inout Outbox) {
        guard !isEnding, var watcher = rows[kind], watcher.isWaiting, !watcher.isDismissed else { return }
        watcher.generation += 1
        watcher.state = .starting(pid: nil)
        watcher.askedAt = out.now
        watcher.upSince = nil
        watcher.complaint = nil
        rows[kind] = watcher
        out.emit(.startWatcher(kind, generation: watcher.generation))
    }

    // MARK: what is heard

    mutating func started(_ kind: WatcherKind, _ generation: UInt64, _ pid: Int32) {
        guard rows[kind]?.generation == generation else { return }
        rows[kind]?.state = .starting(pid: pid)
    }

    /// One that an earlier master has left.
    mutating func adopted(_ kind: WatcherKind, _ generation: UInt64, _ pid: Int32, _ out: inout Outbox) {
        rows[kind]?.generation = generation
        up(kind, pid, &out)
    }

    mutating func receive(
        _ kind: WatcherKind, _ generation: UInt64, _ report: WatcherReport, _ out: inout Outbox
    ) -> Word {
        guard let watcher = rows[kind], watcher.generation == generation else { return .nothing }
        rows[kind]?.askedAt = nil
        switch (report, watcher.state) {
        case (.hello(let hello), .starting(let pid?)):
            return greet(kind, hello, pid, &out)
        case (.hello, .up), (.hello, .waiting), (.hello, .starting(nil)):
            accuse(kind, "said hello at the wrong time", &out)
        // What the journal needs is the loop's business.
        case (.alive, .up), (.journaled, .up):
            break
        case (.path, .up), (.database, .up), (.verdict, .up):
            return .report(report)
        case (_, .starting), (_, .waiting):
            accuse(kind, "spoke before its hello", &out)
        }
        return .nothing
    }

    private mutating func greet(_ kind: WatcherKind, _ hello: Hello, _ pid: Int32, _ out: inout Outbox) -> Word {
        guard hello.version == protocolVersion else {
            // A deploy has replaced the programs under a running master, or a part of them.
            out.emit(.giveWay)
            accuse(kind, "speaks protocol version \(hello.version), not \(protocolVersion)", &out)
            return .nothing
        }
        guard hello.kind == kind, hello.generation == rows[kind]?.generation, hello.pid == pid else {
            accuse(kind, "said hello as another watcher", &out)
            return .nothing
        }
        up(kind, pid, &out)
        return .up
    }

    private mutating func up(_ kind: WatcherKind, _ pid: Int32, _ out: inout Outbox) {
        rows[kind]?.state = .up(pid: pid)
        rows[kind]?.upSince = out.now
        out.note("up, pid \(pid)", rule: "watcher", subject: "\(kind)")
        out.emit(.snapshot(kind))
    }

    /// Its channel ended, or carried what is no packet.
    mutating func broke(_ kind: WatcherKind, _ generation: UInt64, _ why: String, _ out: inout Outbox) {
        guard rows[kind]?.generation == generation, !isEnding else { return }
        accuse(kind, why, &out)
    }

    /// A watcher that cannot be trusted is ended; its exit leads to the next one.
    private mutating func accuse(_ kind: WatcherKind, _ why: String, _ out: inout Outbox) {
        guard rows[kind]?.complaint == nil else { return }
        rows[kind]?.complaint = why
        out.emit(.killWatcher(kind))
    }

    mutating func exited(_ kind: WatcherKind, _ generation: UInt64, _ why: String, _ out: inout Outbox) {
        guard var watcher = rows[kind], watcher.generation == generation else { return }
        watcher.state = .waiting(until: nil)
        defer { rows[kind] = watcher }
        guard !isEnding else { return }
        guard !watcher.isDismissed else {
            return out.note("ended: there is nothing to do for it", rule: "watcher", subject: "\(kind)")
        }
        watcher.restarts += 1
        let decision = watcher.history.died(
            at: out.now, readySince: watcher.upSince, settings: Watcher.restart, chance: out.nextChance())
        watcher.state = .waiting(until: out.now + decision.delay)
        let cause = watcher.complaint.map { "\(why), \($0)" } ?? why
        out.note("ended: \(cause); starting again", rule: "watcher", subject: "\(kind)", weight: .warning)
    }
}
