// The life of the watchers.

import Shared

struct Watcher: Equatable, Sendable {
    enum State: Equatable, Sendable {
        /// Not running: the delay before its next start, or the ordered end. → starting
        case waiting
        /// Has not said hello yet. → up, waiting
        case starting(pid: Int32?)
        /// → waiting
        case up(pid: Int32)
    }

    static let pingInterval = Duration.seconds(2)
    /// A watcher is replaced when it has not answered for this long: with the ping interval and the time of a start a
    /// stopped one is replaced within ten seconds.
    static let silence = Duration.seconds(5)

    var state = State.waiting
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

extension Supervisor {
    /// Watchers with nothing to do are not started.
    func isNeeded(_ kind: WatcherKind) -> Bool {
        switch kind {
        case .keeper, .pathwatch: true
        case .dbwatch: !configuration.databases.isEmpty
        case .dispatch: configuration.worker.check.isWanted || users.values.contains { checkSettings($0).isWanted }
        }
    }

    /// There is something to do for it: the configuration has come to ask for it, or a user has.
    mutating func need(_ kind: WatcherKind) {
        guard watchers[kind]?.isDismissed ?? true else { return }
        watchers[kind, default: Watcher()].isDismissed = false
        startWatcher(kind)
    }

    /// There is nothing to do for it any more.
    mutating func dismiss(_ kind: WatcherKind) {
        guard let watcher = watchers[kind], !watcher.isDismissed else { return }
        watchers[kind]?.isDismissed = true
        timers.cancel(.watcher(kind))
        if watcher.state != .waiting { emit(.dismissWatcher(kind)) }
    }

    mutating func startWatcher(_ kind: WatcherKind) {
        guard !isStopping, var watcher = watchers[kind], watcher.state == .waiting, !watcher.isDismissed else { return }
        watcher.generation += 1
        watcher.state = .starting(pid: nil)
        watcher.askedAt = now
        watcher.upSince = nil
        watcher.complaint = nil
        watchers[kind] = watcher
        emit(.startWatcher(kind, generation: watcher.generation))
    }

    mutating func watcherStarted(_ kind: WatcherKind, _ generation: UInt64, _ pid: Int32) {
        guard watchers[kind]?.generation == generation else { return }
        watchers[kind]?.state = .starting(pid: pid)
    }

    mutating func watcherAdopted(_ kind: WatcherKind, _ generation: UInt64, _ pid: Int32) {
        watchers[kind]?.generation = generation
        watcherUp(kind, pid)
    }

    mutating func watcherSaid(_ kind: WatcherKind, _ generation: UInt64, _ report: WatcherReport) {
        guard let watcher = watchers[kind], watcher.generation == generation else { return }
        watchers[kind]?.askedAt = nil
        switch (report, watcher.state) {
        case (.hello(let hello), .starting(let pid?)):
            guard hello.version == protocolVersion else {
                // A deploy has replaced the programs under a running master, or a part of them.
                emit(.giveWay)
                return accuse(kind, "speaks protocol version \(hello.version), not \(protocolVersion)")
            }
            guard hello.kind == kind, hello.generation == generation, hello.pid == pid else {
                return accuse(kind, "said hello as another watcher")
            }
            watcherUp(kind, pid)
        case (.hello, .up), (.hello, .waiting), (.hello, .starting(nil)):
            accuse(kind, "said hello at the wrong time")
        // What the journal needs is the loop's business.
        case (.alive, .up), (.journaled, .up):
            break
        case (.path(let report), .up):
            pathReport(report)
        case (.database(let report), .up):
            databaseReport(report)
        case (.verdict(let report), .up):
            verdict(report)
        case (_, .starting), (_, .waiting):
            accuse(kind, "spoke before its hello")
        }
    }

    private mutating func watcherUp(_ kind: WatcherKind, _ pid: Int32) {
        watchers[kind]?.state = .up(pid: pid)
        watchers[kind]?.upSince = now
        if kind == .pathwatch { reported = [] }
        note("up, pid \(pid)", rule: "watcher", subject: "\(kind)")
        emit(.snapshot(kind))
    }

    /// A watcher that cannot be trusted is ended; its exit leads to the next one.
    private mutating func accuse(_ kind: WatcherKind, _ why: String) {
        guard watchers[kind]?.complaint == nil else { return }
        watchers[kind]?.complaint = why
        emit(.killWatcher(kind))
    }

    mutating func watcherBroke(_ kind: WatcherKind, _ generation: UInt64, _ why: String) {
        guard watchers[kind]?.generation == generation, !isStopping else { return }
        accuse(kind, why)
    }

    mutating func watcherExited(_ kind: WatcherKind, _ generation: UInt64, _ why: String) {
        guard var watcher = watchers[kind], watcher.generation == generation else { return }
        watcher.state = .waiting
        guard !isStopping else {
            watchers[kind] = watcher
            return finishWhenAlone()
        }
        guard !watcher.isDismissed else {
            watchers[kind] = watcher
            return note("ended: there is nothing to do for it", rule: "watcher", subject: "\(kind)")
        }
        watcher.restarts += 1
        let decision = watcher.history.died(
            at: now, readySince: watcher.upSince, settings: Watcher.restart, chance: nextChance())
        let cause = watcher.complaint.map { "\(why), \($0)" } ?? why
        watchers[kind] = watcher
        note("ended: \(cause); starting again", rule: "watcher", subject: "\(kind)", weight: .warning)
        timers.set(.watcher(kind), at: now + decision.delay)
    }

    mutating func pingWatchers() {
        timers.set(.ping, at: now + Watcher.pingInterval)
        for kind in WatcherKind.allCases {
            guard let watcher = watchers[kind], watcher.state != .waiting else { continue }
            if let asked = watcher.askedAt, now - asked > Watcher.silence {
                accuse(kind, "silent for \(Int((now - asked).milliseconds / 1000)) s")
            } else if case .up = watcher.state {
                watchers[kind]?.askedAt = watcher.askedAt ?? now
                emit(.ping(kind))
            }
        }
    }

    // MARK: the ordered end

    mutating func dismissWatchers() {
        for kind in WatcherKind.allCases.reversed() {
            timers.cancel(.watcher(kind))
            if watchers[kind]?.state != .waiting, watchers[kind] != nil { emit(.dismissWatcher(kind)) }
        }
        timers.cancel(.ping)
        timers.set(.watchersGone, at: now + .seconds(2))
        finishWhenAlone()
    }

    mutating func killWatchers() {
        for kind in WatcherKind.allCases where watchers[kind]?.pid != nil { emit(.killWatcher(kind)) }
    }

    private mutating func finishWhenAlone() {
        guard isStopping, users.isEmpty, !hasFinished, watchers.values.allSatisfy({ $0.state == .waiting }) else {
            return
        }
        hasFinished = true
        emit(.finish)
    }
}
