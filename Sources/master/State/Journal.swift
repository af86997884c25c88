// The last events, with their causes.

import DequeModule
import Policy
import Shared

/// A bounded list of what has happened: the oldest goes when it is full. It knows which of its events the keeper has
/// written to the journal's file, so that the others can be sent again.
struct Journal {
    static let capacity = 10_000
    /// In bytes.
    static let longestText = 4000

    private(set) var events: Deque<EventRecord>
    /// Number of the last event.
    private(set) var serial: UInt64
    /// The number of the last event that is in the file.
    private var written: UInt64
    /// Events that were dropped before they were written, and of which no event tells yet.
    private var lost = 0

    /// - Parameter earlier: what the file holds, oldest first: the numbers go on.
    init(after earlier: [EventRecord] = []) {
        events = Deque(earlier.suffix(Self.capacity))
        serial = earlier.map(\.serial).max() ?? 0
        written = serial
    }

    /// - Parameter wall: wall clock milliseconds.
    mutating func append(_ happening: Happening, wall: Int64) -> EventRecord {
        serial += 1
        var event = EventRecord()
        event.serial = serial
        event.at = wall
        event.user = happening.user
        event.subject = happening.subject
        event.text = Self.bounded(happening.text)
        event.rule = happening.rule
        if events.count == Self.capacity, let oldest = events.popFirst(), oldest.serial > written { lost += 1 }
        events.append(event)
        return event
    }

    /// What is not in the file yet.
    var unwritten: [EventRecord] {
        events.suffix(min(events.count, Int(clamping: serial - written))).filter { $0.serial > written }
    }

    /// The keeper has written every event up to this number.
    ///
    /// - Returns: what is worth an event of its own: that some are missing.
    mutating func wrote(upTo serial: UInt64) -> Happening? {
        // A number that was never given is nonsense.
        guard serial <= self.serial else { return nil }
        written = max(written, serial)
        guard lost > 0 else { return nil }
        defer { lost = 0 }
        let text = "\(lost) events are lost: they could not be written in time"
        return Happening(subject: "journal", text: text, rule: "journal-loss", weight: .warning)
    }

    /// A longer one would fit no message.
    private static func bounded(_ text: String) -> String {
        text.utf8.count <= longestText ? text : String(decoding: text.utf8.prefix(longestText), as: UTF8.self) + " …"
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
