// What is done about a running worker: a pure table of three signals. They are the worker's own heartbeat
// (WATCHDOG=1), the checks from outside, and the state of its database.
//
//     heartbeat            checks pass   status other than 2xx   no answer in time, no HTTP   refused
//     none (never sent)    nothing       swap                    abort                        abort
//     fresh                nothing       swap                    swap                         swap
//     stale                nothing       swap                    abort                        abort
//
// While the database is unavailable or in doubt (some timeouts were seen, but not yet enough of them), every cell is
// "nothing": a worker that hangs because its database hangs is left alone.
//
// A heartbeat is stale after `heartbeat`. Once three intervals have shown a rhythm, it is stale after twice the
// longest of them if that is shorter. Checks fail after `fall` failures in a row.
//
// A swap starts a successor beside a worker whose loop still turns. An abort is SIGABRT and SIGCONT (this gives a
// traceback, also from a stopped process), SIGKILL after 5 s, and then a successor on the same socket. Replacements of
// one user back off as restarts do. `RemedyFuse` limits how many users are replaced at a time.

import Shared

/// What the worker's own event loop says.
enum Heartbeat: CaseIterable, Sendable {
    /// It has never sent WATCHDOG=1: nothing follows from its silence.
    case none
    case fresh
    case stale
}

/// What the checks from outside say.
enum Symptom: CaseIterable, Sendable {
    case passing
    /// An answer, but not a 2xx.
    case wrongStatus
    /// No answer in time, or none that is HTTP.
    case timeout
    /// No process accepts.
    case refused

    /// Nil while no verdict has come, or the last one was only a doubt.
    init?(_ verdict: CheckVerdict) {
        switch (verdict.health, verdict.outcome) {
        case (.doubtful, _), (.failing, .passed): return nil
        case (.passing, _): self = .passing
        case (.failing, .wrongStatus): self = .wrongStatus
        case (.failing, .timeout), (.failing, .badAnswer): self = .timeout
        case (.failing, .refused): self = .refused
        }
    }
}

/// What is known of the database that the worker works on; without one it is fine.
enum DatabaseCondition: CaseIterable, Sendable {
    case fine
    case inDoubt
    case down
}

enum Remedy: Equatable, Sendable {
    case nothing
    /// Sick: replaced while it goes on serving what it can.
    case swap
    /// Hung: ended, so that its successor can take over the socket on which customers wait.
    case abort

    /// The table at the head of this file.
    static func `for`(_ heartbeat: Heartbeat, _ check: Symptom, _ database: DatabaseCondition) -> Remedy {
        switch database {
        case .down, .inDoubt: return .nothing
        case .fine: break
        }
        switch (check, heartbeat) {
        case (.passing, .none), (.passing, .fresh): return .nothing
        // It answers: what is broken is its notifying, and a swap would not mend that.
        case (.passing, .stale): return .nothing
        case (.wrongStatus, .none), (.wrongStatus, .fresh), (.wrongStatus, .stale): return .swap
        // Its loop turns: other requests may be getting through.
        case (.timeout, .fresh), (.refused, .fresh): return .swap
        case (.timeout, .none), (.timeout, .stale), (.refused, .none), (.refused, .stale): return .abort
        }
    }
}
