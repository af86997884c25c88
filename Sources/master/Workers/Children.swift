// The one file that spawns, signals and reaps.

import CLinux
import Glibc
import Policy
import Shared
import SharedSystem

/// A child process, or one that an earlier master has left. Its pidfd becomes readable when it ends (pidfd_open(2)).
final class Child {
    let pid: Int32
    let pidfd: Descriptor
    /// As `ProcessFiles.startTime` tells it.
    private(set) lazy var startTime = ProcessFiles.startTime(of: pid)

    init(pid: Int32, pidfd: Descriptor) {
        self.pid = pid
        self.pidfd = pidfd
    }

    /// Starts `path` in a session of its own.
    ///
    /// - Parameters:
    ///   - descriptors: become its descriptors 0, 1 and so on.
    ///   - apart: whether it is kept out of the list in which orphans are looked for, with the siblings that it makes.
    static func spawn(
        _ path: String, _ arguments: [String], env: [String: String], descriptors: [Int32], apart: Bool = false
    ) throws -> Child {
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        let variables = env.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for text in words + variables { free(text) }
        }
        var pid: Int32 = 0
        let count = Int32(descriptors.count)
        let error =
            apart
            ? clinux_spawn_apart(&pid, path, words, variables, descriptors, count)
            : clinux_spawn(&pid, path, words, variables, descriptors, count)
        guard error == 0 else { throw SystemError("spawn", path, code: error) }
        let pidfd = clinux_pidfd_open(pid)
        guard pidfd >= 0 else {
            // Without a pidfd its end would go unseen: it must not live.
            let failure = SystemError("pidfd_open", path)
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw failure
        }
        return Child(pid: pid, pidfd: Descriptor(owning: pidfd))
    }

    /// A process that runs already, where it is still the one that started then.
    static func adopt(_ pid: Int32, startTime: UInt64) -> Child? {
        let pidfd = clinux_pidfd_open(pid)
        guard pidfd >= 0 else { return nil }
        let child = Child(pid: pid, pidfd: Descriptor(owning: pidfd))
        return startTime != 0 && child.startTime == startTime ? child : nil
    }

    /// Signals the child, never another process that was given its id since.
    func signal(_ number: Int32) {
        _ = clinux_pidfd_signal(pidfd.number, number)
    }

    func signal(_ number: Int32, leaderOnly: Bool) {
        if leaderOnly { signal(number) } else { signalGroup(number) }
    }

    /// Signals every process of the child's session that is still in its first process group.
    func signalGroup(_ number: Int32) {
        kill(-pid, number)
    }

    /// Waits until it has ended, at most so long: for the time before the loop runs.
    func awaitEnd(_ limit: Duration) {
        var state = pollfd(fd: pidfd.number, events: Int16(POLLIN), revents: 0)
        poll(&state, 1, Int32(clamping: Int(limit.milliseconds)))
    }

    /// How it ended, once its pidfd is readable; nil where it has not.
    ///
    /// What is left of its group is killed before it is reaped: until then its id cannot belong to anybody else.
    func reap() -> Exit? {
        var status: Int32 = 0
        guard clinux_wait(pid, 1, &status) == 0 else { return errno == ECHILD ? endOfAnother() : nil }
        signalGroup(SIGKILL)
        guard clinux_wait(pid, 0, &status) == 0 else { return nil }
        return Exit(status: status)
    }

    /// How a process ended that is another's to reap. As long as there is somebody in its group, its id is nobody else's.
    private func endOfAnother() -> Exit? {
        var state = pollfd(fd: pidfd.number, events: Int16(POLLIN), revents: 0)
        guard poll(&state, 1, 0) == 1 else { return nil }
        signalGroup(SIGKILL)
        var status: Int32 = 0
        return clinux_pidfd_exit(pidfd.number, &status) == 1 ? Exit(status: status) : .unseen
    }
}

/// A worker's process and the pipes that belong to it.
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
