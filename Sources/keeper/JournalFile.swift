// The event journal on disk: STATE/events.jsonl.
//
// One JSON object a line, appended in batches, 8 MiB and as much again in a predecessor. A line that a crash has torn is
// cut off before the first batch. What cannot be written waits, and is tried again each second. Nothing is flushed to
// the platter: the journal survives every process, not the last seconds before a power cut; fsync(2) would make visitors
// wait for a disk.

import Glibc
import Logging
import Shared
import SharedSystem

final class JournalFile {
    /// Of each of the two files, in bytes.
    static let bound = 8 << 20
    private static let pauseAfterFailure = Duration.seconds(1)
    /// A line is shorter: this much of the end of the file holds the last whole one.
    private static let tail = 128 << 10

    private let log: Logger
    private var queue = JournalQueue()
    private var file: BoundedFile?
    private var failedAt: Instant?
    /// Whether there is a master that wants to know what is written: one that has said where.
    private(set) var isAsked = false

    init(_ log: Logger) {
        self.log = log
    }

    /// Writes to this file from now on. Each master says so: what stands in it is looked at again.
    func begin(_ settings: JournalSettings) {
        isAsked = true
        file = BoundedFile(settings.path, in: settings.folder, bound: Self.bound)
        do {
            queue.begin(after: try Self.mend(settings.path))
        } catch {
            log.warning("\(error): the last event of the journal is not known")
        }
    }

    /// What is confirmed now would mean another's events to the next one.
    func masterIsGone() {
        isAsked = false
    }

    func append(_ event: EventRecord) {
        queue.append(event)
    }

    /// When `flush` is to be tried again.
    var next: Instant? { queue.isEmpty ? nil : failedAt.map { $0 + Self.pauseAfterFailure } }

    /// Writes what waits.
    ///
    /// - Returns: the last event that was written, if any was.
    func flush(_ now: Instant) -> EventRecord? {
        guard let file, next.map({ $0 <= now }) ?? true else { return nil }
        var last: EventRecord?
        do {
            while var batch = queue.next {
                try batch.lines.withUTF8 { try file.append(UnsafeRawBufferPointer($0)) }
                queue.written(batch.count)
                last = batch.last
            }
            if last != nil, failedAt != nil {
                log.notice("\(file.path) is written again")
                failedAt = nil
            }
        } catch {
            if failedAt == nil { log.warning("\(error): events wait until they can be written") }
            failedAt = now
        }
        return last
    }

    /// Cuts off what a crash has left of a line.
    ///
    /// - Returns: the last event of the file; nil where there is none.
    private static func mend(_ path: String) throws -> EventRecord? {
        let number = open(path, O_RDWR | O_CLOEXEC)
        if number < 0 && errno == ENOENT { return nil }
        let file = Descriptor(owning: try check("open", path) { number })
        var status = stat()
        try check("fstat", path) { fstat(file.number, &status) }
        let start = max(0, Int(status.st_size) - tail)
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size) - start)
        let size = try check("pread", path) { pread(file.number, &bytes, bytes.count, off_t(start)) }
        let whole = bytes[..<size].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        if whole < size { try check("ftruncate", path) { ftruncate(file.number, off_t(start + whole)) } }
        return bytes[..<whole].split(separator: UInt8(ascii: "\n")).last.flatMap { EventRecord(line: $0) }
    }
}
