// The event journal on disk: STATE/events.jsonl.
//
// Each decision is an event with its cause and its rule. Master keeps the last 10,000 in memory. The file holds them
// for good: one JSON object a line, as `steward events --json` prints it, 8 MiB and as much again in events.jsonl.1.
//
// The keeper writes the file, because master must not wait for a disk. write(2) waits when the disk stalls or the page
// cache is full of unwritten data. Files have no O_NONBLOCK, io_uring is forbidden in many containers, a thread would
// be a second way to do things in master, and one more process would cost 5 MiB for a few lines a day. The keeper
// writes files anyway and outlives master, and trouble in the keeper harms stand-in answers and logs only: users that
// are served do not need it.
//
// So master sends each event to the keeper (`event`). The keeper writes the events of a turn as one batch, and reports
// the last one written (`journaled`). Master sends unconfirmed events again to the next keeper, which skips those that
// it finds in the file. While the disk is full, up to 10,000 events wait in the keeper and in master, and writing is
// tried again each second. Older events are lost, and an event of its own counts them (`journal-loss`).
//
// A batch is written whole or not at all. A line that a crash has torn is skipped when the file is read, and cut off
// before the first batch. Nothing is flushed to the disk, because fsync(2) would make visitors wait for it: the
// journal survives every process, and loses the last seconds at a power cut.
//
// When master starts, it reads the last 512 KiB (15 ms), so that `events --since`, `why` and the serial numbers
// continue. If master dies while the disk is full, the same numbers may be given twice, because the next master does
// not know the events that were waiting.

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
