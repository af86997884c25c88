// The workers' processes: from a start that launch was asked for to their exit, and what they leave behind.
//
// A process whose end could not be noticed is not kept. What a worker has left outside its group is killed before its
// exit is told, or it would go on accepting beside the successor: so exits are told at the end of a turn of the loop,
// after one look for all that have ended in it. The exit of a process that launch has not told everything about waits
// for that.

import CLinux
import Glibc
import Logging
import Policy
import Shared
import SharedSystem

final class Workforce {
    private let log = Logger.steward("master")
    private let poller: Poller<Source>
    private let watchers: WatcherPool
    private let launcher: Launcher
    private let notify: NotifySocket
    private let orphans: Orphans
    private let isRoot = geteuid() == 0
    private let mayRenice = clinux_may_renice() == 1
    private var workers: [WorkerID: WorkerChild] = [:]
    /// Workers by the leader of their session.
    private var leaders: [Int32: WorkerID] = [:]
    /// Workers that have ended, and whose exit has not been told.
    private var ended: [(id: WorkerID, exit: Exit)] = []
    /// Workers that have ended, and are reaped when their successors have been asked for: that takes the kernel longer
    /// than anything else that a death asks of master.
    private var unreleased: [WorkerChild] = []
    /// Processes that have been told to end, and are reaped when they have.
    private var strays: [Child] = []
    /// Where orphans are to be looked for at the end of this turn.
    private var sweepDue: Orphans.Scope? = .everybody
    /// They could not be looked for.
    private var isSweepShort = false
    /// Processes that notify and are no workers, as far as the log has told.
    private var strangers: Set<Int32> = []

    init(_ poller: Poller<Source>, _ watchers: WatcherPool, _ launcher: Launcher, _ notify: NotifySocket) throws {
        orphans = try Orphans()
        (self.poller, self.watchers, self.launcher, self.notify) = (poller, watchers, launcher, notify)
    }

    /// Listens to what workers say of themselves, and takes over those that an earlier master has left.
    func open(_ inherited: [WorkerID: WorkerChild]) throws {
        try poller.add(notify.descriptor.number, .readable, as: .notify)
        for (id, worker) in inherited { try take(id, worker) }
    }

    var count: Int { workers.count }

    /// When `tendLaunch` has something to do.
    var deadline: Instant? { launcher.deadline }

    /// At the end of master.
    func end() {
        launcher.end()
    }

    /// Tells a new keeper of the workers' outputs, and gives it the socket on which they notify.
    func introduce(to keeper: KeeperLink, except known: Set<WorkerID>) throws {
        try keeper.send(.notify, with: notify.descriptor)
        for (id, worker) in workers where !known.contains(id) {
            if let output = worker.output { try keeper.send(.output(id), with: output) }
        }
    }

    // MARK: orders

    func start(
        _ id: WorkerID, _ plan: WorkerPlan, on socket: SocketID, of doors: Doors, gently: Bool
    ) -> [Event] {
        do {
            let (listener, events) = try doors.listener(socket)
            let results = try launcher.ask(
                id, plan, socket: socket, listener, account: isRoot ? plan.runAs : nil, gently: gently && mayRenice,
                now: .now())
            if let channel = launcher.channel, launcher.interest.contains(.writable) {
                try poller.change(channel.number, launcher.interest)
            }
            return events + launched(results)
        } catch {
            return [.startFailed(id, why: "\(error)")]
        }
    }

    /// It is ready: it runs at its own nice value.
    func welcome(_ id: WorkerID, nice: Int) {
        workers[id]?.endStart(nice: nice)
    }

    /// Nothing comes of one that has ended: its exit tells.
    func measure(_ id: WorkerID) -> [Event] {
        guard let pid = workers[id]?.child.pid, let memory = ProcessFiles.memory(of: pid) else { return [] }
        return [.measured(id, memory: memory)]
    }

    func signal(_ id: WorkerID, _ number: Int32, leaderOnly: Bool) -> [Event] {
        guard let child = workers[id]?.child else {
            return launched(launcher.signal(id, number, leaderOnly: leaderOnly))
        }
        child.signal(number, leaderOnly: leaderOnly)
        return []
    }

    /// The record with the start times of its processes.
    func dated(_ record: UserRecord) -> UserRecord {
        var record = record
        for index in record.processes.indices {
            let id = WorkerID(user: record.name, generation: record.processes[index].generation)
            record.processes[index].startTime = workers[id]?.child.startTime ?? 0
        }
        return record
    }

    // MARK: workers

    /// What workers have said of themselves. Bounded: a flood of it must not keep master from its other work.
    func hear() -> [Event] {
        var events: [Event] = []
        do {
            for _ in 0..<64 {
                guard let (leader, notifications) = try notify.next() else { break }
                if let id = leaders[leader] {
                    events += notifications.map { .notified(id, $0) }
                } else if strangers.count < 1000, strangers.insert(leader).inserted {
                    log.warning("notification from process \(leader), which is no worker: ignored")
                }
            }
        } catch {
            log.error("\(error)")
        }
        return events
    }

    /// Its pidfd is readable. The exit itself is told by `endTurn`.
    func reap(_ id: WorkerID) {
        guard let worker = workers[id], let exit = worker.child.exit() else { return }
        poller.remove(worker.child.pidfd.number)
        leaders[worker.child.pid] = nil
        workers[id] = nil
        unreleased.append(worker)
        sweepDue = sweepDue ?? .orphans
        ended.append((id, exit))
        launcher.ended(id, now: .now())
    }

    private func take(_ id: WorkerID, _ worker: WorkerChild) throws {
        workers[id] = worker
        leaders[worker.child.pid] = id
        try poller.add(worker.child.pidfd.number, .readable, as: .workerExit(id))
    }

    /// Takes over a worker's process that runs.
    private func supervise(_ id: WorkerID, _ worker: WorkerChild) -> [Event] {
        do {
            try take(id, worker)
        } catch {
            workers[id] = nil
            leaders[worker.child.pid] = nil
            poller.end(worker.child)
            return [.startFailed(id, why: "\(error)")]
        }
        return [.started(id, pid: worker.child.pid)] + watchers.tellKeeper(.output(id), with: worker.output)
    }

    // MARK: launch

    var launchStatus: WatcherStatus { launcher.status }

    func startLaunch() -> [Event] {
        var events: [Event] = []
        do {
            try launcher.start(now: .now())
            if let child = launcher.child { try poller.add(child.pidfd.number, .readable, as: .launchExit) }
            events += launched(launcher.flush(now: .now()))
            if let channel = launcher.channel { try poller.add(channel.number, launcher.interest, as: .launch) }
        } catch {
            log.error("launch: \(error)")
            events += launched(launcher.giveUp("launch: \(error)", now: .now()))
        }
        return events
    }

    /// launch's answers, once in each turn: the poller reports them after the hundreds of deaths that it knows of already,
    /// and until then no further process could be started.
    func hearLaunch() -> [Event] {
        launcher.isOwed ? readLaunch(.readable) : []
    }

    func readLaunch(_ readiness: Readiness) -> [Event] {
        var events: [Event] = []
        do {
            events += launched(try launcher.receive())
            if readiness.contains(.writable) { events += launched(launcher.flush(now: .now())) }
            guard let channel = launcher.channel else { return events }
            if readiness.contains(.hangup) {
                // A launch that has closed its channel ends, or is no launch.
                poller.remove(channel.number)
                launcher.condemn(now: .now())
            } else if readiness.contains(.writable) {
                try poller.change(channel.number, launcher.interest)
            }
        } catch {
            log.error("launch: \(error)")
        }
        return events
    }

    /// The end of launch, where it has ended: what is worth a record, and what comes of its starts.
    func reapLaunch() -> (loss: Happening, events: [Event])? {
        let (child, channel) = (launcher.child, launcher.channel)
        guard let (exit, results) = launcher.reap(now: .now()) else { return nil }
        if let child { poller.remove(child.pidfd.number) }
        if let channel { poller.remove(channel.number) }
        sweepDue = .everybody
        let loss = Happening(
            subject: "launch", text: "ended: \(exit); starting again", rule: "watcher", weight: .warning)
        return (loss, launched(results))
    }

    /// What is due for launch: its next start, or its end where it owes an answer.
    func tendLaunch() -> [Event] {
        guard let deadline = launcher.deadline, deadline <= .now() else { return [] }
        guard let child = launcher.child else { return startLaunch() }
        let silence = Int(Launcher.silence.milliseconds / 1000)
        guard launcher.isCondemned else {
            log.warning("launch has not answered for \(silence) s")
            launcher.condemn(now: .now())
            return []
        }
        log.error("launch has not ended for \(silence) s after SIGKILL: left alone")
        poller.remove(child.pidfd.number)
        if let channel = launcher.channel { poller.remove(channel.number) }
        strays.append(child)
        sweepDue = .everybody
        return launched(launcher.giveUp("launch does not end", now: .now()))
    }

    private func launched(_ results: [LaunchResult]) -> [Event] {
        results.flatMap { result -> [Event] in
            switch result {
            case .started(let id, let worker): return supervise(id, worker)
            case .failed(let id, let why):
                // There may be something of it to be reaped.
                sweepDue = .everybody
                return [.startFailed(id, why: why)]
            case .stray(let child):
                strays.append(child)
                return []
            case .executed(let id, let failure):
                return [failure.map { .executionFailed(id, why: $0) } ?? .executed(id)]
            }
        }
    }

    // MARK: the end of a turn

    /// A child of master has ended that may be an orphan.
    func childHasEnded() {
        sweepDue = sweepDue ?? .orphans
    }

    /// Orphans that could not be looked for are looked for in this turn.
    func sweepAgain() {
        if isSweepShort { sweepDue = sweepDue ?? .everybody }
    }

    /// Looks for orphans where that is due, then tells which workers have ended.
    ///
    /// - Parameter others: children of master that are neither workers nor orphans.
    func endTurn(besides others: Set<Int32>) -> [Event] {
        let news = sweepDue.map { sweep($0, besides: others) } ?? []
        // Why a program was not executed is told before the exit that it led to.
        let told = ended.filter { !launcher.isExecuting($0.id) }
        ended.removeAll { !launcher.isExecuting($0.id) }
        return news + told.map { .exited($0.id, $0.exit) }
    }

    /// Reaps the workers whose successors have been asked for.
    func release() {
        for worker in unreleased { worker.child.release() }
        unreleased = []
        strays.removeAll { $0.reap() != nil }
    }

    private func sweep(_ scope: Orphans.Scope, besides others: Set<Int32>) -> [Event] {
        sweepDue = nil
        var news: [Event] = []
        let launch = launcher.child?.pid
        do {
            let ended = (unreleased.map(\.child) + strays).map(\.pid)
            try orphans.sweep(
                scope, own: { self.leaders[$0] != nil || others.contains($0) || $0 == launch || ended.contains($0) },
                lives: { origin in
                    switch origin {
                    case .worker(let id): self.workers[id] != nil || self.launcher.isPending(id)
                    case .launch(let generation): self.launcher.lives(generation)
                    }
                },
                // A worker that has ended already had told of itself before.
                learn: { news += self.readLaunch(.readable) })
            isSweepShort = false
        } catch {
            if !isSweepShort { log.error("\(error): what workers have left is looked for later") }
            isSweepShort = true
        }
        return news
    }
}
