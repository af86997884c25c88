// What master and the keeper say to each other about the event journal; its events are EventRecord.

/// Where the journal lies.
package struct JournalSettings: WireValue {
    /// Absolute path of the state folder.
    package var folder = ""

    package init() {}

    package init(folder: String) {
        self.folder = folder
    }

    /// One JSON object a line; the predecessor is this and `.1`.
    package var path: String { "\(folder)/events.jsonl" }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&folder)
    }
}

/// A place in the journal.
package struct JournalMark: WireValue {
    /// Of an event.
    package var serial: UInt64 = 0

    package init() {}

    package init(serial: UInt64) {
        self.serial = serial
    }

    package mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&serial)
    }
}
