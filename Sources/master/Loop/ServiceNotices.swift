// What the service manager is to be told, and when: the sender's side of sd_notify(3). Pure.

import Policy
import Shared

/// Each piece of news is said once, and again where it did not arrive. Only the heartbeat is repeated.
struct ServiceNotices {
    /// The shortest time from one STATUS= to the next.
    static let statusInterval = Duration.seconds(1)
    /// After a datagram that was not taken: the manager is busy, or being replaced.
    static let retryDelay = Duration.milliseconds(200)

    /// From one heartbeat to the next; nil where none is expected.
    private let beat: Duration?
    private var beatDue: Instant
    /// READY=1, STOPPING=1 and the like, until they are taken. Each is a datagram of its own: of two in one that
    /// contradict each other, only one would count.
    private var milestones: [String] = []
    private var isStopping = false
    /// The status that was said last.
    private var status: String?
    /// Whether what the status tells may have changed since.
    private var isStatusOld = true
    private var statusDue: Instant
    /// Nothing is said before: the last datagram was not taken.
    private var silentUntil: Instant

    /// - Parameter watchdog: the longest silence that the manager allows (sd_watchdog_enabled(3)).
    init(watchdog: Duration?, now: Instant) {
        beat = watchdog.map { $0 / 2 }
        (beatDue, statusDue, silentUntil) = (now, now, now)
    }

    mutating func isReady() {
        milestones.append("READY=1")
    }

    /// The manager may wait for the end of a reload, which one with the time of its beginning announces.
    mutating func reloads(_ now: Instant) {
        milestones += ["RELOADING=1\nMONOTONIC_USEC=\(now.nanoseconds / 1000)", "READY=1"]
    }

    /// The ordered end has begun. May be told again and again.
    mutating func stops() {
        guard !isStopping else { return }
        isStopping = true
        milestones.append("STOPPING=1")
    }

    mutating func mayHaveChanged() {
        isStatusOld = true
    }

    /// What to say now; nothing where nothing is due.
    ///
    /// - Parameter tally: the status line, asked for only where one is due.
    mutating func due(_ now: Instant, tally: () -> String) -> [String] {
        guard now >= silentUntil else { return [] }
        var lines = Array(milestones.prefix(1))
        if beat != nil, now >= beatDue { lines.append("WATCHDOG=1") }
        if isStatusOld, now >= statusDue {
            isStatusOld = false
            statusDue = now + Self.statusInterval
            let text = tally()
            if text != status {
                status = text
                lines.append("STATUS=\(text)")
            }
        }
        return lines
    }

    /// The manager has these lines.
    mutating func taken(_ lines: [String], _ now: Instant) {
        if let first = milestones.first, lines.first == first { milestones.removeFirst() }
        if let beat, lines.contains("WATCHDOG=1") { beatDue = now + beat }
    }

    /// The last lines did not arrive.
    mutating func refused(_ now: Instant) {
        silentUntil = now + Self.retryDelay
        (status, isStatusOld, statusDue) = (nil, true, now)
    }

    /// When `due` will have something to say, unless something happens before.
    var deadline: Instant? {
        var next: [Instant] = []
        if !milestones.isEmpty { next.append(silentUntil) }
        if beat != nil { next.append(max(beatDue, silentUntil)) }
        if isStatusOld { next.append(max(statusDue, silentUntil)) }
        return next.min()
    }
}
