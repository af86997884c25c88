// Reads what the workers print, and writes it to the files of their users.
//
// Standard output and standard error of a worker are one pipe, which keeps the order of its writing; two pipes could
// not. Master holds a copy of the read end, the keeper reads it. Each user has one file, NAME.log, and its
// predecessor, 10 MiB each. `steward logs` and `why` read the files themselves.
//
// - Rate. Each user may write 512 KiB a second, and 4 MiB at once (`OutputBudget`). Output beyond that is read and
//   dropped for a second; then a line in the file counts it:
//
//     [steward: dropped 6094848 bytes (95232 lines) in 1 s: more than 512 KiB/s]
//
// - A flood costs no other user a processor (`OutputPace`). A pipe whose output is dropped is read once in 10 ms.
//   Meanwhile it is full, and the flooding worker waits in write(2), 10 ms for each 64 KiB: about 6 MB/s are left of
//   its flood. Larger pipes, or splice(2) into /dev/null, would let it run at full speed on a processor that other
//   workers need. A worker within its rate never waits, because a pipe that fills up is read at once. A worker with
//   many small writes is read every 10 ms, too, so that a thousand lines cost one look and not a thousand.
// - Output that cannot be written, because the disk is full or for another reason, is dropped and counted in the same
//   way. No line is written by half. Writing is tried again each second.
//
// With yes(1) as a neighbour, the time from crash to restart of 200 other workers has a p50 of 2.1 ms (2.2 without
// it), and the keeper takes 1.1 % of a core (0.2): `Benchmarks/flood.py`.

import CLinux
import Glibc
import Logging
import Shared
import SharedSystem

final class Outputs {
    private struct Pipe {
        let descriptor: Descriptor
        var pace: OutputPace
    }

    private let poller: Poller<Source>
    private let log: Logger
    private var pipes: [WorkerID: Pipe] = [:]
    private var files: [UserName: OutputFile] = [:]
    /// Pipes that are left alone for a moment.
    private var rests = Timers<WorkerID>()
    private var settlements = Timers<UserName>()
    /// As much as a pipe holds: what one worker may take of a turn.
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

    init(_ poller: Poller<Source>, _ log: Logger) {
        self.poller = poller
        self.log = log
    }

    func begin(_ worker: WorkerID, _ pipe: Descriptor) throws {
        let flags = try check("fcntl") { fcntl(pipe.number, F_GETFL) }
        // That of an adopted worker may block.
        if flags & O_NONBLOCK == 0 { try check("fcntl") { fcntl(pipe.number, F_SETFL, flags | O_NONBLOCK) } }
        let capacity = clinux_pipe_capacity(pipe.number)
        try poller.add(pipe.number, .readable, as: .output(worker))
        pipes[worker] = Pipe(
            descriptor: pipe, pace: OutputPace(capacity: capacity > 0 ? Int(capacity) : buffer.count))
        // The workers of a user share its file: only so are its size and its rate known.
        let file = files[worker.user] ?? OutputFile(worker.user, log)
        file.writers += 1
        files[worker.user] = file
    }

    func end(_ worker: WorkerID, _ pipe: Descriptor, _ now: Instant) {
        guard poller.knows(pipe.number) else { return }
        poller.remove(pipe.number)
        pipes[worker] = nil
        rests.cancel(worker)
        guard let file = files[worker.user] else { return }
        file.writers -= 1
        // Without writers nothing more is dropped: that is told at once.
        if file.writers == 0 { settlements.set(worker.user, at: now) }
    }

    /// Moves what has come, at most one buffer of it.
    ///
    /// - Returns: false at the end of the pipe.
    func pass(_ worker: WorkerID, to folder: String, _ now: Instant) throws -> Bool {
        guard let pipe = pipes[worker]?.descriptor.number else { return true }
        let size = try buffer.withUnsafeMutableBytes { bytes in
            try attempt("read") { read(pipe, bytes.baseAddress, bytes.count) }
        }
        guard let size else { return true }
        guard size > 0 else { return false }
        // Without settings there is no place for it.
        guard !folder.isEmpty, let file = files[worker.user] else { return true }
        let isKept = buffer.withUnsafeBytes { bytes in
            file.append(UnsafeRawBufferPointer(rebasing: bytes[..<size]), in: folder, now)
        }
        if let due = file.due { settlements.set(worker.user, at: due) }
        if let until = pipes[worker]?.pace.rest(after: size, isKept: isKept, now) {
            // Its end would still be reported: then what is left in it is read without a rest.
            try poller.change(pipe, [])
            rests.set(worker, at: until)
        }
        return true
    }

    /// The next moment for `resume`.
    var next: Instant? { [rests.next, settlements.next].compactMap { $0 }.min() }

    /// Goes on with the pipes that have rested, and tells what was dropped.
    ///
    /// - Returns: workers whose pipe cannot be read any longer.
    func resume(in folder: String, _ now: Instant) -> [(worker: WorkerID, error: any Error)] {
        var lost: [(WorkerID, any Error)] = []
        while let worker = rests.popDue(now) {
            guard let pipe = pipes[worker] else { continue }
            do { try poller.change(pipe.descriptor.number, .readable) } catch { lost.append((worker, error)) }
        }
        while let user = settlements.popDue(now) {
            guard let file = files[user] else { continue }
            file.settle(in: folder, now)
            if file.isDispensable(now) {
                files[user] = nil
            } else if let due = file.due {
                settlements.set(user, at: due)
            }
        }
        return lost
    }
}
