// What workers leave behind: descendants that have become children of master, which is their subreaper (prctl(2)).
//
// What is left of a dead worker's process group is killed before the worker is reaped (`Child.reap`). What the worker
// has moved out of its group, such as a double-forked daemon, becomes a child of master. It is known by its
// environment, and killed here. These orphans become children of master's first thread. launch, and with it the
// workers, are children of a second thread, which exists for nothing else. So the list of children that is read at
// each death is short: listing 500 takes the kernel 0.3 ms.

import CLinux
import Glibc
import Policy
import Shared
import SharedSystem

struct Orphans {
    /// The process whose environment another has inherited.
    enum Origin {
        case worker(WorkerID)
        /// It is to become a worker, but has not told of itself yet.
        case launch(generation: UInt64)
    }

    /// Where to look for them.
    enum Scope {
        /// Among the children of the first thread, to which they come: these are few.
        case orphans
        /// Among all children: a launch that has died may have left some that were to become workers.
        case everybody
    }

    /// The list of the first thread's children. It is kept open, because it is read at each death.
    private let list: Descriptor

    init() throws {
        list = try SmallFile.open("/proc/self/task/\(getpid())/children")
    }

    /// Reaps the orphans that have ended, and kills those whose worker is gone. An orphan of a living worker, a daemon
    /// that it has double-forked, is left alone until then.
    ///
    /// - Parameters:
    ///   - own: whether a process is one that master has started itself.
    ///   - lives: whether the process that it descends from is still there.
    ///   - learn: takes note of the processes that have told of themselves by now.
    /// - Throws: where they cannot be looked for, because no descriptor is free.
    func sweep(
        _ scope: Scope, own: (Int32) -> Bool, lives: (Origin) -> Bool, learn: () -> Void
    ) throws {
        let strangers = try children(scope).filter { !own($0) }
        var status: Int32 = 0
        let ended = Set(strangers.filter { clinux_wait($0, 1, &status) == 0 })
        if !ended.isEmpty { learn() }
        for pid in ended where !own(pid) { _ = clinux_wait(pid, 0, &status) }
        for pid in strangers where !ended.contains(pid) {
            guard let origin = Self.origin(of: pid), !lives(origin) else { continue }
            kill(pid, SIGKILL)
        }
    }

    private func children(_ scope: Scope) throws -> [Int32] {
        guard scope == .everybody else {
            return ProcessFiles.children(listed: try SmallFile.read(list, limit: 1 << 20))
        }
        let threads = FolderNames.of("/proc/self/task")
        guard !threads.isEmpty else { throw SystemError("opendir", "/proc/self/task", code: EMFILE) }
        return try threads.flatMap(Self.children)
    }

    /// None where the thread has ended.
    private static func children(ofThread thread: String) throws -> [Int32] {
        do {
            return try ProcessFiles.children(of: getpid(), thread, limit: 1 << 20)
        } catch let error as SystemError where error.code != EMFILE && error.code != ENFILE {
            return []
        }
    }

    private static func origin(of pid: Int32) -> Origin? {
        guard let environment = ProcessFiles.environment(of: pid) else { return nil }
        return environment.worker.map { .worker($0) } ?? environment.watcher.map { .launch(generation: $0) }
    }
}
