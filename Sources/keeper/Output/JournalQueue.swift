// The events that the journal's file does not hold yet. No I/O.

import DequeModule
import Shared

/// In the order of arrival; the oldest is dropped when it is full. Master has as many and counts what is lost.
struct JournalQueue {
    /// As many as master keeps.
    static let capacity = 10_000
    /// Of one batch, in bytes: one write(2).
    private static let batch = 64 << 10

    private var events = Deque<EventRecord>()
    /// The last event of the file, as it was found.
    private var found: EventRecord?

    var isEmpty: Bool { events.isEmpty }

    /// - Parameter last: of the file that is written from now on.
    mutating func begin(after last: EventRecord?) {
        found = last
        if let last { events.removeAll { Self.isHeld($0, last) } }
    }

    /// Master sends again what an earlier keeper has written and not told: that is passed over.
    mutating func append(_ event: EventRecord) {
        if let found, Self.isHeld(event, found) { return }
        if events.count == Self.capacity { events.removeFirst() }
        events.append(event)
    }

    /// What is written next, as lines, and the last of it.
    var next: (lines: String, last: EventRecord, count: Int)? {
        var lines = ""
        var count = 0
        for event in events {
            guard lines.utf8.count < Self.batch else { break }
            lines += event.line
            lines += "\n"
            count += 1
        }
        return count == 0 ? nil : (lines, events[count - 1], count)
    }

    mutating func written(_ count: Int) {
        events.removeFirst(min(count, events.count))
    }

    /// An event with a small number may be a later one: of a master that did not know the last numbers of its
    /// predecessor.
    private static func isHeld(_ event: EventRecord, _ last: EventRecord) -> Bool {
        event.serial <= last.serial && event.at <= last.at
    }
}
