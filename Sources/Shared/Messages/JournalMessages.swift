// What master and the keeper say to each other about the event journal; its events are EventRecord.

/// Where the journal lies.
public struct JournalSettings: WireValue {
    /// Absolute path of the state folder.
    public var folder = ""

    public init() {}

    public init(folder: String) {
        self.folder = folder
    }

    /// One JSON object a line; the predecessor is this and `.1`.
    public var path: String { "\(folder)/events.jsonl" }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&folder)
    }
}

/// A place in the journal.
public struct JournalMark: WireValue {
    /// Of an event.
    public var serial: UInt64 = 0

    public init() {}

    public init(serial: UInt64) {
        self.serial = serial
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&serial)
    }
}
