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
    private(set) lazy var startTime = knownStartTime ?? ProcessFiles.startTime(of: pid)
    private let knownStartTime: UInt64?

    /// - Parameter startTime: where it is known already.
    init(pid: Int32, pidfd: Descriptor, startTime: UInt64? = nil) {
        self.pid = pid
        self.pidfd = pidfd
        knownStartTime = startTime
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

    /// A process that runs already, where it is still the process that started then.
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

    /// Waits until it has ended, at most so long: never while the loop runs.
    func awaitEnd(_ limit: Duration) {
        var state = pollfd(fd: pidfd.number, events: Int16(POLLIN), revents: 0)
        poll(&state, 1, Int32(clamping: Int(limit.milliseconds)))
    }

    /// How it ended, once its pidfd is readable; nil where it has not. What is left of its group is killed.
    func exit() -> Exit? {
        var status: Int32 = 0
        guard clinux_wait_pidfd(pidfd.number, 1, &status) == 0 else { return errno == ECHILD ? endOfAnother() : nil }
        signalGroup(SIGKILL)
        return Exit(status: status)
    }

    /// Reaps it, after `exit`. Until then its id, and that of its group, cannot belong to another process.
    func release() {
        var status: Int32 = 0
        _ = clinux_wait_pidfd(pidfd.number, 0, &status)
    }

    /// `exit` and `release` at once.
    func reap() -> Exit? {
        let exit = exit()
        if exit != nil { release() }
        return exit
    }

    /// How a process ended that another process reaps. As long as a process is in its group, no other gets its id.
    private func endOfAnother() -> Exit? {
        var state = pollfd(fd: pidfd.number, events: Int16(POLLIN), revents: 0)
        guard poll(&state, 1, 0) == 1 else { return nil }
        signalGroup(SIGKILL)
        var status: Int32 = 0
        return clinux_pidfd_exit(pidfd.number, &status) == 1 ? Exit(status: status) : .unseen
    }
}
