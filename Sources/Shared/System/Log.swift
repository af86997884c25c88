// Log lines on standard error: the handler behind the Logger of swift-log.

import Glibc
import Logging
import Shared

/// Writes one line a message: for the journal with the level as `<N>` before it (sd-daemon(3)), else with the time.
public struct LineHandler: LogHandler {
    public var logLevel = Logger.Level.info
    public var metadata = Logger.Metadata()
    private let label: String
    private let journal: Bool

    public init(label: String) {
        self.label = label
        journal = getenv("JOURNAL_STREAM") != nil
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let message = "\(event.message)"
        let text = String(message.map { $0.isNewline ? " " : $0 })
        let start = journal ? "<\(Self.priority(event.level))>" : "\(rfc3339(wallClock())) \(event.level) "
        Self.write(String("\(start)\(label): \(text)".prefix(Self.longestLine)))
    }

    /// In characters: with the longest of them a line still fits a pipe that is not full (pipe(7)).
    private static let longestLine = 1000

    /// A reader that does not read must not stop the writer: a line that standard error would not take at once is
    /// dropped.
    private static func write(_ line: String) {
        var standardError = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
        guard poll(&standardError, 1, 0) == 1 else { return }
        StandardError.write(line)
    }

    /// The levels of syslog(3).
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

extension Logger {
    /// The log of one of Steward's processes.
    public static func steward(_ label: String) -> Logger {
        Logger(label: label) { LineHandler(label: $0) }
    }
}
