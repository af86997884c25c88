// Why a user is as it is, for a terminal. No I/O.

import Shared

/// The parts of `steward why`, as they come.
struct Explanation {
    var notes: [String] = []
    var events: [EventRecord] = []
    /// Nil where its workers have written nothing.
    var output: OutputTail?

    /// One part of master's answer.
    mutating func take(_ answer: ControlAnswer) {
        switch answer {
        case .line(let line): notes.append(line.text)
        case .event(let event): events.append(event)
        case .done, .refused, .master, .watcher, .database, .user, .pendingDeletion, .upgrade, .package: break
        }
    }

    var lines: [String] {
        notes + (events.isEmpty ? [] : ["last events:"]) + events.map { "  \($0.shown)" } + (output?.lines ?? [])
    }
}
