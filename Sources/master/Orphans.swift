// What workers leave behind: descendants that have become children of master, which is their subreaper (prctl(2)).

import CLinux
import Glibc
import Shared

enum Orphans {
    /// Reaps the orphans that have ended, and kills those whose worker is gone. An orphan of a living worker, a daemon
    /// that it has double-forked, is left alone until then.
    ///
    /// - Parameters:
    ///   - own: whether a process is one that master has started itself.
    ///   - lives: whether a worker is still there.
    static func sweep(own: (Int32) -> Bool, lives: (WorkerID) -> Bool) {
        for pid in children() where !own(pid) {
            var status: Int32 = 0
            if clinux_wait(pid, 0, &status) == 0 { continue }
            guard let worker = worker(of: pid), !lives(worker) else { continue }
            kill(pid, SIGKILL)
        }
    }

    /// /proc/PID/task/TID/children of proc(5); master is one thread.
    private static func children() -> [Int32] {
        let list = (try? SmallFile.read("/proc/self/task/\(getpid())/children", limit: 1 << 20)) ?? []
        return list.split(separator: UInt8(ascii: " ")).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
    }

    /// Whose environment it has inherited.
    private static func worker(of pid: Int32) -> WorkerID? {
        ProcessFiles.environment(of: pid)?.worker
    }
}
