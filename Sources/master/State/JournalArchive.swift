// The journal as an earlier master has left it: read once, before the loop runs. The keeper writes it.

import Glibc
import Logging
import Policy
import Shared
import SharedSystem

enum JournalArchive {
    /// Of the end of the journal, in bytes: some thousands of events, which take 15 ms before the loop runs.
    static let most = 512 << 10

    /// The last events. Other lines, which a crash or a later version may leave, are passed over with one warning.
    static func read(_ settings: JournalSettings, _ log: Logger) -> [EventRecord] {
        let path = settings.path
        let current = tail(path, most)
        let former = tail("\(path).1", most - current.count)
        var events: [EventRecord] = []
        var strange = 0
        for line in lines(former) + lines(current) {
            if let event = EventRecord(line: line) { events.append(event) } else { strange += 1 }
        }
        if strange > 0 { log.warning("\(path): \(strange) lines are no events") }
        return events
    }

    /// Whole lines: without the last one where a crash has torn it.
    static func lines(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        return bytes[..<end].split(separator: UInt8(ascii: "\n"))
    }

    /// The end of a file from the first whole line on; empty where it cannot be read.
    private static func tail(_ path: String, _ most: Int) -> ArraySlice<UInt8> {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return [] }
        let file = Descriptor(owning: number)
        var status = stat()
        guard most > 0, fstat(file.number, &status) == 0 else { return [] }
        let start = max(0, Int(status.st_size) - most)
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size) - start)
        let size = pread(file.number, &bytes, bytes.count, off_t(start))
        guard size > 0 else { return [] }
        guard start > 0 else { return bytes[..<size] }
        return bytes[..<size].drop { $0 != UInt8(ascii: "\n") }.dropFirst()
    }
}
