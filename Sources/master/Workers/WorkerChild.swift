// A worker's process with what belongs to it: its output, and how gently it was started.

import CLinux
import Glibc
import Shared
import SharedSystem

final class WorkerChild {
    let child: Child
    /// A copy of the read end of its output: it outlives the keeper. Nil where a worker that was adopted has none.
    let output: Descriptor?

    /// Whether it has been started with a nice value that is to be taken back.
    private var isGentle: Bool

    /// - Parameter output: where it was handed over; else the pipe that is the worker's standard output is opened.
    init(adopted child: Child, output: Descriptor?) {
        self.child = child
        self.output = output ?? Self.reopenOutput(child.pid)
        // It is not known how it was started.
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

    init(child: Child, output: Descriptor, gently: Bool) {
        self.child = child
        self.output = output
        isGentle = gently
    }

    /// It is ready: it runs at its own nice value.
    func endStart(nice: Int) {
        if isGentle { clinux_renice_group(child.pid, Int32(nice)) }
        isGentle = false
    }

    /// A pipe for its output. The read end does not block; the write end does, because programs expect that.
    static func pipe() throws -> (read: Descriptor, write: Descriptor) {
        var ends: [Int32] = [-1, -1]
        try check("pipe2") { clinux_pipe(&ends) }
        let (read, write) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
        try check("fcntl") { fcntl(read.number, F_SETFL, O_NONBLOCK) }
        return (read, write)
    }
}
