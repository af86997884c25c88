// Master's end of the channel to `launch`, which makes the workers' processes.
//
// launch makes a process as a child of master (CLONE_PARENT). The process gets a copy of launch's seven descriptors
// and not of master's thousands. A start is one packet to launch and one packet back; between the two it is pending.
// The new process sends master its pidfd before it does anything else. A process that master has not been told of
// never runs a program, so a start that failed together with launch can be made again, and nothing runs twice. launch
// tells when the process has executed its program, or why it could not.
//
// launch is restarted for ever, with backoff. When it dies, the starts that it has taken without an answer fail;
// starts that it has not taken wait for the next launch. A launch that owes an answer for five seconds is killed; if it
// has not ended after five more, because a disk holds one of its threads, it is left alone and another one is started.
// One that has nothing to answer is left alone. Signals for a worker that has not reported itself yet wait until it has.

import CLinux
import DequeModule
import Glibc
import Policy
import Shared
import SharedSystem

/// What comes of a start.
enum LaunchResult {
    case started(WorkerID, WorkerChild)
    case failed(WorkerID, why: String)
    /// The worker's program was executed, or why not.
    case executed(WorkerID, failure: String?)
    /// A process of a start that was given up; it has been told to end.
    case stray(Child)
}

final class Launcher {
    /// An answer takes microseconds: a launch that owes one for this long is stopped, or worse.
    static let silence = Duration.seconds(5)

    /// Its deaths in a row: at once, then from a tenth of a second up to one, because customers wait for what it starts.
    private static var restart: RestartSettings {
        var settings = RestartSettings()
        settings.then = .milliseconds(100)
        settings.cap = .seconds(1)
        return settings
    }

    private struct Pending {
        let id: WorkerID
        let output: Descriptor
        let gently: Bool
        /// Since when launch owes an answer.
        var sentAt: Instant?
        /// Whether launch waits for its account.
        var isLookedUp = false
        /// What was to be signalled meanwhile.
        var signals: [(number: Int32, leaderOnly: Bool)] = []
    }

    private struct Execution {
        let id: WorkerID
        let child: Child
        /// Since when the process has ended, and launch owes what came of it.
        var endedAt: Instant?
    }

    private let path: String
    private let runtime: String
    private(set) var child: Child?
    private(set) var channel: Descriptor?
    private var generation: UInt64 = 0
    private var startedAt: Instant?
    /// Since when it has been told to end.
    private var condemnedAt: Instant?
    private var history = RestartHistory()
    /// When a new launch may be started, while there is none.
    private var nextTry: Instant?
    private var pending: [UInt64: Pending] = [:]
    private var numbers: [WorkerID: UInt64] = [:]
    private var lastNumber: UInt64 = 0
    /// Starts that launch has not been given yet.
    private var unsent = Deque<(number: UInt64, request: LaunchRequest)>()
    /// Starts that launch has been given, in that order; answered ones leave when they are first.
    private var sent = Deque<UInt64>()
    /// Processes that exist and have not executed their program yet.
    private var executing: [UInt64: Execution] = [:]

    init(path: String, runtime: String) {
        self.path = path
        self.runtime = runtime
    }

    /// It is shown among the watchers: it is a process of Steward's own, too.
    var status: WatcherStatus {
        var status = WatcherStatus()
        status.name = "launch"
        status.pid = child?.pid
        status.state = child == nil ? "waiting" : "up"
        status.restarts = Int(generation) - (child == nil ? 0 : 1)
        return status
    }

    /// Whether the launch of this generation is still there.
    func lives(_ generation: UInt64) -> Bool { child != nil && generation == self.generation }

    /// Whether launch has something to tell sooner or later.
    var isOwed: Bool { !sent.isEmpty || !executing.isEmpty }

    var isCondemned: Bool { condemnedAt != nil }

    func isPending(_ id: WorkerID) -> Bool { numbers[id] != nil }

    /// Whether launch has still to tell what came of this worker's program.
    func isExecuting(_ id: WorkerID) -> Bool { executing.values.contains { $0.id == id } }

    /// The worker's process has ended: if launch still has to tell what came of its program, it owes that now.
    func ended(_ id: WorkerID, now: Instant) {
        guard let number = executing.first(where: { $0.value.id == id })?.key else { return }
        executing[number]?.endedAt = now
    }

    /// What the channel has to be watched for.
    var interest: Readiness { unsent.isEmpty ? .readable : [.readable, .writable] }

    /// When launch is overdue with an answer, or is to be started again.
    var deadline: Instant? {
        guard child != nil else { return nextTry }
        if let condemnedAt { return condemnedAt + Self.silence }
        let unanswered = sent.first.flatMap { pending[$0]?.sentAt }
        let oldest = (executing.values.map(\.endedAt) + [unanswered]).compactMap(\.self).min()
        return oldest.map { $0 + Self.silence }
    }

    // MARK: the life of launch

    /// Starts launch. It says nothing until it is asked.
    func start(now: Instant) throws {
        do {
            var ends: [Int32] = [-1, -1]
            try check("socketpair") { clinux_packet_socketpair(&ends) }
            let (own, other) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
            let null = Descriptor(owning: try check("open", "/dev/null") { open("/dev/null", O_RDONLY | O_CLOEXEC) })
            generation += 1
            // By these a later master knows it, and ends it if need be.
            let env = ["STEWARD_RUNTIME": runtime, "STEWARD_WATCHER": String(generation)]
            child = try Child.spawn(
                path, [], env: env, descriptors: [null.number, 2, 2, other.number], apart: true)
            channel = own
            startedAt = now
            nextTry = nil
            condemnedAt = nil
        } catch {
            restLater(now)
            throw error
        }
    }

    private func restLater(_ now: Instant) {
        let decision = history.died(at: now, readySince: startedAt, settings: Self.restart, chance: 0.5)
        startedAt = nil
        nextTry = now + decision.delay
    }

    /// Its end, once its pidfd is readable; nil where it has not ended. Starts that it took without an answer fail, and
    /// whatever it has made for them ends by itself: nobody can tell of a process any more.
    func reap(now: Instant) -> (exit: Exit, results: [LaunchResult])? {
        guard let exit = child?.reap() else { return nil }
        if let channel { shutdown(channel.number, Int32(SHUT_RD)) }
        let results = (try? receive()) ?? []
        return (exit, results + lose("launch ended: \(exit)", now: now))
    }

    /// Ends a launch that cannot be relied on; its exit leads to the next one.
    func condemn(now: Instant) {
        child?.signal(SIGKILL)
        condemnedAt = now
    }

    /// Starts fail because no launch can be started, or because the present one is given up.
    func giveUp(_ why: String, now: Instant) -> [LaunchResult] {
        let waiting = unsent.map(\.number)
        unsent = []
        child?.signal(SIGKILL)
        let results = (try? receive()) ?? []
        return results + (child == nil ? [] : lose(why, now: now)) + waiting.compactMap { fail($0, why) }
    }

    /// The end of this launch for master. Processes that have told of themselves go on without it; starts that it has
    /// been given and has not answered fail.
    private func lose(_ why: String, now: Instant) -> [LaunchResult] {
        child = nil
        channel = nil
        restLater(now)
        let unknown = executing.values.map { LaunchResult.executed($0.id, failure: endUnlessExecuted($0.child)) }
        executing = [:]
        let kept = Set(unsent.map(\.number))
        return unknown + pending.keys.filter { !kept.contains($0) }.sorted().compactMap { fail($0, why) }
    }

    /// Ends a process that has not executed its program yet: by its environment it is still launch. Another one could be
    /// taken for ready although its program cannot be executed.
    ///
    /// - Returns: why it was ended.
    private func endUnlessExecuted(_ child: Child) -> String? {
        guard ProcessFiles.environment(of: child.pid)?.isWatcher == true else { return nil }
        child.signalGroup(SIGKILL)
        return "launch ended before the program was executed"
    }

    /// At the end of master: launch has nothing more to do.
    func end() {
        guard let child else { return }
        child.signal(SIGKILL)
        child.awaitEnd(.seconds(1))
        _ = child.reap()
        self.child = nil
        channel = nil
    }

    // MARK: starts

    /// Asks for a start; what does not fit into the channel now is sent by `flush`.
    ///
    /// - Parameter account: nil where the worker runs as master does.
    func ask(
        _ id: WorkerID, _ plan: WorkerPlan, socket: SocketID, _ listener: Descriptor, account: String?, gently: Bool,
        now: Instant
    ) throws -> [LaunchResult] {
        let output = try WorkerChild.pipe()
        lastNumber += 1
        var env = plan.env
        env["STEWARD_GENERATION"] = String(id.generation)
        env["STEWARD_SOCKET"] = String(socket.generation)
        env["STEWARD_PLAN"] = String(plan.identity.fingerprint)
        env["STEWARD_PLACE"] = String(plan.place)
        let request = LaunchRequest(
            number: lastNumber, plan, env: env, account: account, gently: gently,
            descriptors: [output.write, listener])
        guard request.bytes.count <= LaunchRequest.longest else {
            throw SystemError("command and environment", code: E2BIG)
        }
        pending[lastNumber] = Pending(id: id, output: output.read, gently: gently)
        numbers[id] = lastNumber
        unsent.append((lastNumber, request))
        return unsent.count == 1 ? flush(now: now) : []
    }

    /// Gives launch what the channel takes.
    func flush(now: Instant) -> [LaunchResult] {
        var results: [LaunchResult] = []
        while let channel, let (number, request) = unsent.first {
            do {
                guard try request.send(to: channel) else { break }
                pending[number]?.sentAt = now
                sent.append(number)
            } catch let error as SystemError where error.code == EPIPE || error.code == ECONNRESET {
                // It has ended: the next one gets it.
                break
            } catch {
                if let result = fail(number, "\(error)") { results.append(result) }
            }
            unsent.removeFirst()
        }
        return results
    }

    /// Remembers a signal for a worker of which launch has not told yet. A start whose account is being looked up, which
    /// may take for ever, fails at once by SIGKILL.
    func signal(_ id: WorkerID, _ number: Int32, leaderOnly: Bool) -> [LaunchResult] {
        guard let start = numbers[id] else { return [] }
        if number == SIGKILL, pending[start]?.isLookedUp == true {
            return [fail(start, "its account could not be looked up in time")].compactMap(\.self)
        }
        pending[start]?.signals.append((number, leaderOnly))
        return []
    }

    /// The answers that have come.
    func receive() throws -> [LaunchResult] {
        var results: [LaunchResult] = []
        while let channel {
            do {
                guard let answer = try LaunchAnswer(from: channel) else { break }
                if let result = result(of: answer) { results.append(result) }
            } catch let error as SystemError where error.code == ECONNRESET {
                // Told once by the socket of a launch that ended with requests unread, before what it has answered.
                continue
            } catch {
                // It is told again.
                guard !results.isEmpty else { throw error }
                break
            }
        }
        return results
    }

    private func result(of answer: LaunchAnswer) -> LaunchResult? {
        switch answer.content {
        case .made(let pid, let startTime, let pidfd?):
            let child = Child(pid: pid, pidfd: pidfd, startTime: startTime)
            guard let start = pending[answer.number] else {
                child.signalGroup(SIGKILL)
                return .stray(child)
            }
            forget(answer.number, start.id)
            executing[answer.number] = Execution(id: start.id, child: child)
            let worker = WorkerChild(child: child, output: start.output, gently: start.gently)
            for (number, leaderOnly) in start.signals { worker.child.signal(number, leaderOnly: leaderOnly) }
            return .started(start.id, worker)
        case .made(let pid, _, nil):
            // Where master has no room for its pidfd its end would go unseen: it must not live.
            kill(pid, SIGKILL)
            return fail(answer.number, "clone: \(SystemError.text(EMFILE))")
        case .failed(let error): return fail(answer.number, "clone: \(SystemError.text(error))")
        case .waits:
            pending[answer.number]?.sentAt = nil
            pending[answer.number]?.isLookedUp = true
            dropAnswered()
            return nil
        case .executed(let failure):
            if let execution = executing.removeValue(forKey: answer.number) {
                return .executed(execution.id, failure: failure)
            }
            // It could not tell of itself.
            return fail(answer.number, failure ?? "the process ended at once")
        }
    }

    private func fail(_ number: UInt64, _ why: String) -> LaunchResult? {
        guard let start = pending[number] else { return nil }
        forget(number, start.id)
        return .failed(start.id, why: why)
    }

    private func forget(_ number: UInt64, _ id: WorkerID) {
        pending[number] = nil
        numbers[id] = nil
        dropAnswered()
    }

    /// launch may answer in another order than it was asked: what has been answered leaves when it is first.
    private func dropAnswered() {
        while let first = sent.first, pending[first]?.sentAt == nil { sent.removeFirst() }
    }
}
