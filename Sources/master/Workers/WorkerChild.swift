// A worker's process with what belongs to it: the pipes, and how gently it was started.

import CLinux
import Glibc
import Shared
import SharedSystem

final class WorkerChild {
    let child: Child
    /// Ends without a line when the worker's own program is executed, else carries why it was not.
    var execution: Descriptor?
    /// A copy of the read end of its output: it outlives the keeper. Nil where a worker that was adopted has none.
    let output: Descriptor?

    /// Whether it has been started with a nice value that is to be taken back.
    private var isGentle: Bool

    /// - Parameter output: where it was handed over; else the pipe that is the worker's standard output is opened.
    init(adopted child: Child, output: Descriptor?) {
        self.child = child
        self.output = output ?? Self.reopenOutput(child.pid)
        // Nobody remembers how it was started.
        isGentle = clinux_may_renice() == 1
    }

    /// Opening the other end of a pipe by /proc/PID/fd makes a read end of the same pipe (proc(5)).
    private static func reopenOutput(_ pid: Int32) -> Descriptor? {
        let number = open("/proc/\(pid)/fd/1", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let output = Descriptor(owning: number)
        var status = stat()
        return fstat(number, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO ? output : nil
    }

    init(child: Child, execution: Descriptor, output: Descriptor, gently: Bool) {
        self.child = child
        self.execution = execution
        self.output = output
        isGentle = gently
    }

    /// It is ready: it runs at its own nice value.
    func endStart(nice: Int) {
        if isGentle { clinux_renice_group(child.pid, Int32(nice)) }
        isGentle = false
    }

    /// Why the program could not be executed, or nil where it was. To be asked when `execution` is readable.
    func executionFailure() -> String? {
        guard let execution else { return nil }
        var buffer = [UInt8](repeating: 0, count: 512)
        let size = read(execution.number, &buffer, buffer.count)
        guard size > 0 else { return nil }
        return String(decoding: buffer[..<size].filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// The read end does not block; the write end does, as programs expect of their output.
    static func pipe() throws -> (read: Descriptor, write: Descriptor) {
        var ends: [Int32] = [-1, -1]
        try check("pipe2") { clinux_pipe(&ends) }
        let (read, write) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
        try check("fcntl") { fcntl(read.number, F_SETFL, O_NONBLOCK) }
        return (read, write)
    }
}
