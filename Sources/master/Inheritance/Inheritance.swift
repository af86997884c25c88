// Everything that an earlier master has left in this runtime folder, collected before the loop runs, where waiting is
// allowed.
//
// When master dies, or gets SIGUSR2, the workers and the keeper go on; the other watchers end with their channels. A
// worker still answers on its socket, and the keeper on the others. The keeper writes the output, and reads
// RUNTIME/notify so that no sender blocks. The next master collects what there is:
//
// 1. From the keeper, at RUNTIME/keeper.sock (peer credentials are checked both ways): the listening sockets with what
//    is done on them, the pipes, the notify socket. The messages for this are the link's own and stay the same in
//    every version. A keeper of another version hands over to the new master, is told to leave, and is replaced. A
//    keeper that does not answer for five seconds is killed.
// 2. Watchers of the dead master that still run, above all a stopped one, are ended.
// 3. From RUNTIME/state, a mapped file with one slot for each user (`UserRecord`): its processes with pid, start time,
//    socket and stage, the numbers that were given out, its restart history. A change costs one copy of some hundred
//    bytes. The record of a start is written before launch is asked for it. Each slot has two copies with checksums,
//    of which one is always whole. A file that cannot be read is set aside as state.damaged.
// 4. From the processes. A recorded process is trusted if pid and start time still agree. Processes that the record
//    does not tell of, because it was damaged or the start was not finished, are found by the environment that every
//    worker was started with (`LISTEN_PID` tells a worker from the processes that it has started). Any process can set
//    these variables, so the account has to be right, too. If the keeper is lost as well, sockets are taken from the
//    workers (pidfd_getfd(2)), and pipes are opened again by /proc/PID/fd/1. Processes left by workers that are gone
//    are killed.
//
// Master learns how a worker ended that was not its child from the kernel (PIDFD_GET_INFO, Linux 6.15), or not at all.
// A daemon that an adopted worker double-forks is not noticed when that worker dies, because it becomes a child of
// init and not of master.

import CLinux
import Glibc
import Logging
import Policy
import Shared
import SharedSystem

final class Inheritance {
    /// A keeper that goes on with this master.
    private(set) var keeper: LeftKeeper?
    private(set) var sockets: [SocketID: Descriptor] = [:]
    /// Sockets on which an earlier keeper answered the requests that were left; the next one has to be told.
    private(set) var retiring: [(socket: StandIn, descriptor: Descriptor)] = []
    private(set) var notify: Descriptor?
    private(set) var workers: [WorkerID: WorkerChild] = [:]
    private(set) var remains: [UserName: Remains] = [:]
    private var outputs: [WorkerID: Descriptor] = [:]
    private var standIns: [SocketID: StandInReason] = [:]
    private let runtime: String
    private let accounts: Set<uid_t>
    private let isRecordWhole: Bool
    private let log: Logger

    init(_ folders: Runtime, _ log: Logger) {
        runtime = folders.configuration.runtime
        accounts = folders.workerAccounts
        self.log = log
        let records: [UserRecord]
        (records, isRecordWhole) = folders.records(log)
        takeOverFromKeeper()
        endWatchers()
        for record in records { remains[record.name] = Remains(record: record) }
        let marked = Self.marked(runtime)
        adoptRecorded()
        for (pid, environment) in marked where environment.leader == pid { adopt(pid, environment) }
        for (pid, environment) in marked { endLeftover(pid, environment) }
        for name in remains.keys { dropUnmade(name) }
        for id in workers.keys where sockets[Self.socket(of: id, remains)] == nil { takeSocket(of: id) }
        for socket in sockets.keys { remains[socket.user, default: .blank(socket.user)].sockets.insert(socket) }
        for name in remains.keys { remains[name]?.face = face(of: name) }
    }

    /// The sockets and the outputs that the keeper has already.
    var known: (sockets: Set<SocketID>, outputs: Set<WorkerID>) {
        keeper == nil ? ([], []) : (Set(handed), Set(outputs.keys))
    }

    private var handed: [SocketID] = []

    /// Sockets that are held, or that a worker still answers on.
    var inUse: [SocketID] { sockets.keys + workers.keys.map { Self.socket(of: $0, remains) } }

    // MARK: the keeper

    private func takeOverFromKeeper() {
        do {
            guard let left = try LeftKeeper(runtime: runtime) else { return }
            do {
                try left.takeOver()
            } catch {
                log.warning("the keeper of an earlier master is of no use: \(error)")
                return Self.end([left.pid])
            }
            let isUsable = left.hello.version == protocolVersion
            for (thing, descriptor) in left.things { take(thing, descriptor, isUsable) }
            handed = Array(sockets.keys)
            if isUsable {
                keeper = left
            } else {
                log.notice("replaces a keeper of protocol version \(left.hello.version)")
                try left.dismiss()
                Self.end([left.pid], after: .seconds(3))
            }
        } catch {
            log.warning("cannot speak to the keeper of an earlier master: \(error)")
        }
    }

    private func take(_ thing: Handover, _ descriptor: Descriptor, _ isUsable: Bool) {
        let reason = StandInReason(rawValue: thing.reason) ?? .restarting
        switch thing.kind {
        case .socket: if let socket = thing.socket { sockets[socket] = descriptor }
        case .standIn:
            if let socket = thing.socket { (sockets[socket], standIns[socket]) = (descriptor, reason) }
        case .retiring:
            if let socket = thing.socket, !isUsable { retiring.append((StandIn(socket, reason), descriptor)) }
        case .output: if let worker = thing.worker { outputs[worker] = descriptor }
        case .notify: notify = descriptor
        }
    }

    // MARK: processes

    private static func marked(_ runtime: String) -> [(pid: Int32, environment: ProcessEnvironment)] {
        ProcessFiles.all().compactMap { pid in
            guard pid != getpid(), let environment = ProcessFiles.environment(of: pid), environment.runtime == runtime
            else { return nil }
            return (pid, environment)
        }
    }

    /// Those of the earlier master end with their channels; one that is stopped does not.
    private func endWatchers() {
        let left = Self.marked(runtime).filter { $0.environment.isWatcher && $0.pid != keeper?.pid }
        guard !left.isEmpty else { return }
        log.notice("ends \(left.count) watchers of an earlier master")
        Self.end(left.map(\.pid))
    }

    /// Kills processes and waits until they are gone.
    ///
    /// - Parameter after: how long they may take to end by themselves.
    private static func end(_ pids: [Int32], after patience: Duration = .zero) {
        let children = pids.compactMap { Child.adopt($0, startTime: ProcessFiles.startTime(of: $0)) }
        for child in children { child.awaitEnd(patience) }
        for child in children { child.signal(SIGKILL) }
        for child in children {
            child.awaitEnd(.seconds(2))
            _ = child.reap()
        }
    }

    private func adoptRecorded() {
        for (name, left) in remains {
            for process in left.record.processes where process.pid != 0 {
                let id = WorkerID(user: name, generation: process.generation)
                if let child = Child.adopt(process.pid, startTime: process.startTime) {
                    workers[id] = WorkerChild(adopted: child, output: outputs[id])
                } else {
                    remains[name]?.ends[process.generation] = "died while no master ran"
                }
            }
        }
    }

    /// A worker that the record does not tell of, or only that it was to be made.
    private func adopt(_ pid: Int32, _ environment: ProcessEnvironment) {
        guard let id = environment.worker, let socket = environment.socket, workers[id] == nil,
            mayBeWorker(pid, id), let child = Child.adopt(pid, startTime: ProcessFiles.startTime(of: pid))
        else { return }
        workers[id] = WorkerChild(adopted: child, output: outputs[id])
        var left = remains[id.user] ?? .blank(id.user)
        var process = ProcessRecord()
        process.startedAt = .now()
        if let index = left.record.processes.firstIndex(where: { $0.generation == id.generation }) {
            process = left.record.processes.remove(at: index)
        } else {
            process.stage = .ready
            process.readyAt = .now()
        }
        process.generation = id.generation
        process.socket = socket.generation
        process.pid = pid
        process.startTime = child.startTime
        process.fingerprint = environment.fingerprint ?? 0
        process.database = environment.database
        process.place = environment.place ?? 0
        process.version = environment.version
        left.ends[id.generation] = nil
        left.record.processes.append(process)
        left.record.processes.sort { $0.generation < $1.generation }
        left.record.generation = max(left.record.generation, id.generation, socket.generation)
        remains[id.user] = left
    }

    private func mayBeWorker(_ pid: Int32, _ id: WorkerID) -> Bool {
        guard ProcessFiles.account(of: pid).map(accounts.contains) == true else { return false }
        let isAwaited = remains[id.user]?.record.processes.contains { $0.generation == id.generation && $0.pid == 0 }
        return !isRecordWhole || isAwaited == true
    }

    /// Processes that were only to be made.
    private func dropUnmade(_ name: UserName) {
        remains[name]?.record.processes.removeAll { $0.pid == 0 }
    }

    /// What a worker has left that is gone itself, and what never became one.
    private func endLeftover(_ pid: Int32, _ environment: ProcessEnvironment) {
        guard !environment.isWatcher, let id = environment.worker else { return }
        if let worker = workers[id] {
            if environment.leader != pid || worker.child.pid == pid { return }
        }
        log.warning("ends process \(pid), which is left of \(id)")
        Self.end([pid])
    }

    // MARK: sockets

    private static func socket(of id: WorkerID, _ remains: [UserName: Remains]) -> SocketID {
        let process = remains[id.user]?.record.processes.first { $0.generation == id.generation }
        return SocketID(user: id.user, generation: process?.socket ?? 0)
    }

    /// The keeper has died, too: the worker has a copy.
    private func takeSocket(of id: WorkerID) {
        let socket = Self.socket(of: id, remains)
        guard let worker = workers[id] else { return }
        let number = clinux_pidfd_getfd(worker.child.pidfd.number, 3)
        guard number >= 0 else { return log.warning("\(SystemError("pidfd_getfd", "\(id)"))") }
        let descriptor = Descriptor(owning: number)
        guard UnixSocket.path(of: descriptor) == socketPath(socket, runtime: runtime) else {
            return log.warning("\(id) does not have its socket any more")
        }
        sockets[socket] = descriptor
    }

    private func face(of name: UserName) -> Face? {
        guard let target = UserSockets.target(of: name, runtime: runtime), sockets[target] != nil else { return nil }
        return Face(socket: target, standIn: standIns[target])
    }
}

extension Remains {
    fileprivate static func blank(_ name: UserName) -> Remains {
        var record = UserRecord()
        record.name = name
        return Remains(record: record)
    }
}
