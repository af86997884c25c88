// Reads what the workers print, and writes it to the files of their users.

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
        try check("fcntl") { fcntl(pipe.number, F_SETFL, flags | O_NONBLOCK) }
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
