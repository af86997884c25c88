// The last events, with their causes.

import DequeModule
import Shared

/// A bounded list of what has happened: the oldest goes when it is full.
struct Journal {
    static let capacity = 10_000

    private(set) var events = Deque<EventRecord>()
    /// Number of the last event.
    private(set) var serial: UInt64 = 0

    /// - Parameter wall: wall clock milliseconds.
    mutating func append(_ happening: Happening, wall: Int64) -> EventRecord {
        serial += 1
        var event = EventRecord()
        event.serial = serial
        event.at = wall
        event.user = happening.user
        event.subject = happening.subject
        event.text = happening.text
        event.rule = happening.rule
        if events.count == Self.capacity { events.removeFirst() }
        events.append(event)
        return event
    }

    func last(_ count: Int, of user: UserName) -> [EventRecord] {
        events.reversed().lazy.filter { $0.user == user }.prefix(count).reversed()
    }
}

extension EventsRequest {
    func wants(_ event: EventRecord) -> Bool {
        event.at >= since && (user == nil || event.user == user)
    }
}
