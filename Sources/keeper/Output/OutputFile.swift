// The file of one user's output.
//
// What comes faster than OutputBudget allows, or cannot be written, is dropped: neither a flood nor a full disk may stop
// a worker that writes. A line in the file counts what is missing as soon as it can be written; of a file that cannot be
// written, one warning tells when that begins, and one line when it ends.

import Glibc
import Logging
import Shared
import SharedSystem

final class OutputFile {
    /// In bytes: a file that would grow beyond this becomes NAME.log.1, in place of an earlier one.
    static let bound = 10 << 20
    private static let pauseAfterFailure = Duration.seconds(1)

    /// How many processes of the user write to it.
    var writers = 0
    private let user: UserName
    private let log: Logger
    private var file: BoundedFile?
    private var budget = OutputBudget()
    private var loss: OutputLoss?
    private var failure: (at: Instant, cause: OutputLoss.Cause)?
    /// Whether what was written last has not ended its line.
    private var isWithinLine = false

    init(_ user: UserName, _ log: Logger) {
        self.user = user
        self.log = log
    }

    /// When `settle` has something to do; nil: only after the next output.
    var due: Instant? {
        if loss != nil { return failure.map { $0.at + Self.pauseAfterFailure } ?? budget.closedUntil }
        return writers == 0 ? budget.fullAt : nil
    }

    /// No worker writes to it, nothing is left to tell, and a next worker would find a whole budget anyway.
    func isDispensable(_ now: Instant) -> Bool { writers == 0 && loss == nil && budget.fullAt <= now }

    /// - Returns: whether it was kept; a line tells later of what was not.
    func append(_ bytes: UnsafeRawBufferPointer, in folder: String, _ now: Instant) -> Bool {
        guard budget.admits(bytes.count, now) else {
            lose(bytes, .flood, now)
            return false
        }
        if let failure, now < failure.at + Self.pauseAfterFailure {
            lose(bytes, failure.cause, now)
            return false
        }
        let trouble = write(in: folder, now) { file in
            try tell(file, now)
            try file.append(bytes)
            isWithinLine = bytes.last != UInt8(ascii: "\n")
        }
        if let trouble { lose(bytes, trouble, now) }
        return trouble == nil
    }

    /// Tells what was dropped, once that has stopped.
    func settle(in folder: String, _ now: Instant) {
        if loss != nil { _ = write(in: folder, now) { try tell($0, now) } }
    }

    private func lose(_ bytes: UnsafeRawBufferPointer, _ cause: OutputLoss.Cause, _ now: Instant) {
        var loss = loss ?? OutputLoss(cause, since: now)
        loss.add(bytes, cause)
        self.loss = loss
    }

    private func tell(_ file: BoundedFile, _ now: Instant) throws {
        guard let loss else { return }
        var line = (isWithinLine ? "\n" : "") + loss.notice(now)
        try line.withUTF8 { try file.append(UnsafeRawBufferPointer($0)) }
        self.loss = nil
        isWithinLine = false
    }

    /// - Returns: why it could not be written, or nil.
    private func write(in folder: String, _ now: Instant, _ body: (BoundedFile) throws -> Void) -> OutputLoss.Cause? {
        let path = "\(folder)/\(user).log"
        let file = file.flatMap { $0.path == path ? $0 : nil } ?? BoundedFile(path, in: folder, bound: Self.bound)
        self.file = file
        do {
            try body(file)
            if failure != nil { log.notice("\(path) is written again") }
            failure = nil
            return nil
        } catch {
            if failure == nil { log.warning("\(error): the output of \(user) is dropped until it can be written") }
            let why = (error as? SystemError).map { SystemError.text($0.code) } ?? "\(error)"
            let cause = OutputLoss.Cause.unwritable(why)
            failure = (now, cause)
            return cause
        }
    }
}
