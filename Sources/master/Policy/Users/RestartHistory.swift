// When what died is started again: a pure function of the deaths so far.

import Shared

/// What follows from a death.
package struct RestartDecision: Equatable, Sendable {
    package var delay: Duration
    /// Whether the deaths are a crash loop; it is tried at the cap until it holds.
    var isCrashLoop: Bool
    /// Whether this death made it a crash loop: to be told once.
    var beginsCrashLoop: Bool
}

/// The deaths of one worker or watcher in a row.
package struct RestartHistory: WireValue {
    private var row = 0
    private var recent: [Instant] = []
    private(set) var isCrashLooping = false

    package init() {}

    /// - Parameters:
    ///   - readySince: since when it had been ready, or nil where it never got there.
    ///   - chance: 0 to 1, for the jitter.
    package mutating func died(
        at now: Instant, readySince: Instant?, settings: RestartSettings, chance: Double
    ) -> RestartDecision {
        if let readySince, now - readySince >= settings.resetAfter { reset() }
        row += 1
        recent = (recent + [now]).suffix(settings.loopDeaths).filter { now - $0 <= settings.loopWindow }
        let begins = !isCrashLooping && recent.count >= settings.loopDeaths
        if begins { isCrashLooping = true }
        let delay = isCrashLooping ? settings.cap : Self.delay(row: row, settings)
        let jitter = 1 + settings.jitter * (2 * chance - 1)
        return RestartDecision(delay: delay * jitter, isCrashLoop: isCrashLooping, beginsCrashLoop: begins)
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&row)
        try coder.field(&recent)
        try coder.field(&isCrashLooping)
    }

    /// Begins a new row: it held, or it was changed.
    mutating func reset() {
        self = RestartHistory()
    }

    private static func delay(row: Int, _ settings: RestartSettings) -> Duration {
        guard row > 1 else { return settings.first }
        var delay = settings.then
        for _ in 2..<row where delay < settings.cap { delay = delay * settings.factor }
        return min(delay, settings.cap)
    }
}
