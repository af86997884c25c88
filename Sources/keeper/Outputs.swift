// Reads what the workers print, and writes it to the files of their users.

import Glibc
import Logging
import Shared

final class Outputs {
    private let poller: Poller<Source>
    private let log: Logger
    private var files: [UserName: OutputFile] = [:]
    /// As much as a pipe holds: what one worker may take of a turn.
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

    init(_ poller: Poller<Source>, _ log: Logger) {
        self.poller = poller
        self.log = log
    }

    func begin(_ worker: WorkerID, _ pipe: Descriptor) throws {
        let flags = try check("fcntl") { fcntl(pipe.number, F_GETFL) }
        try check("fcntl") { fcntl(pipe.number, F_SETFL, flags | O_NONBLOCK) }
        try poller.add(pipe.number, .readable, as: .output(worker))
        // The workers of a user share its file: only so is its size known.
        let file = files[worker.user] ?? OutputFile(worker.user, log)
        file.writers += 1
        files[worker.user] = file
    }

    func end(_ worker: WorkerID, _ pipe: Descriptor) {
        guard poller.knows(pipe.number) else { return }
        poller.remove(pipe.number)
        guard let file = files[worker.user] else { return }
        file.writers -= 1
        if file.writers == 0 { files[worker.user] = nil }
    }

    /// Moves what has come, at most one buffer of it.
    ///
    /// - Returns: false at the end of the pipe.
    func pass(_ worker: WorkerID, _ pipe: Descriptor, to folder: String, _ now: Instant) throws -> Bool {
        let size = try buffer.withUnsafeMutableBytes { bytes in
            try attempt("read") { read(pipe.number, bytes.baseAddress, bytes.count) }
        }
        guard let size else { return true }
        guard size > 0 else { return false }
        // Without settings there is no place for it.
        guard !folder.isEmpty else { return true }
        buffer.withUnsafeBytes { bytes in
            files[worker.user]?.append(UnsafeRawBufferPointer(rebasing: bytes[..<size]), in: folder, now: now)
        }
        return true
    }
}
