// Master's end of the channel to `launch`, which makes the workers' processes.
//
// launch makes a process as a child of master (CLONE_PARENT). The process gets a copy of launch's seven descriptors
// and not of master's thousands. A start is one packet to launch and one packet back; between the two it is pending.
// The new process sends master its pidfd before it does anything else. A process that master has not been told of
// never runs a program, so a start that failed together with launch can be made again, and nothing runs twice.
//
// launch is restarted for ever, with backoff. When it dies, the starts that it has taken without an answer fail;
// starts that it has not taken wait for the next launch. A launch that owes an answer for five seconds is killed. One
// that has nothing to answer is left alone. Signals for a worker that has not reported itself yet wait until it has.

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
}

final class Launcher {
    /// An answer takes microseconds: a launch that owes one for this long is stopped, or worse.
    static let silence = Duration.seconds(5)

    /// Its deaths in a row: at once, then from a tenth of a second up to one, as customers wait for what it starts.
    private static var restart: RestartSettings {
        var settings = RestartSettings()
        settings.then = .milliseconds(100)
        settings.cap = .seconds(1)
        return settings
    }

    private struct Pending {
        let id: WorkerID
        let execution: Descriptor
        let output: Descriptor
        let gently: Bool
        /// Since when launch has the request.
        var sentAt: Instant?
        /// What was to be signalled meanwhile.
        var signals: [(number: Int32, leaderOnly: Bool)] = []
    }

    private let path: String
    private let runtime: String
    private(set) var child: Child?
    private(set) var channel: Descriptor?
    private var generation: UInt64 = 0
    private var startedAt: Instant?
    private var isCondemned = false
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

    func isPending(_ id: WorkerID) -> Bool { numbers[id] != nil }

    /// What the channel has to be watched for.
    var interest: Readiness { unsent.isEmpty ? .readable : [.readable, .writable] }

    /// When launch is overdue with an answer, or is to be started again.
    var deadline: Instant? {
        guard child != nil else { return nextTry }
        guard !isCondemned else { return nil }
        return sent.first.flatMap { pending[$0]?.sentAt }.map { $0 + Self.silence }
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
            isCondemned = false
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
        var results = (try? receive()) ?? []
        child = nil
        channel = nil
        restLater(now)
        let lost = Array(sent)
        results += lost.compactMap { fail($0, "launch ended: \(exit)") }
        return (exit, results)
    }

    /// Ends a launch that cannot be relied on; its exit leads to the next one.
    func condemn() {
        child?.signal(SIGKILL)
        isCondemned = true
    }

    /// There is no launch for the moment, or none whose exit would be noticed: who waits for it is told.
    func giveUp(_ why: String, now: Instant) -> [LaunchResult] {
        if child != nil {
            end()
            restLater(now)
        }
        let waiting = sent + unsent.map(\.number)
        unsent = []
        return waiting.compactMap { fail($0, why) }
    }

    /// At the end of master: waits for the end of launch, which has nothing more to do.
    func end() {
        guard let child else { return }
        child.signal(SIGKILL)
        waitpid(child.pid, nil, 0)
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
        let (execution, output) = (try WorkerChild.pipe(), try WorkerChild.pipe())
        lastNumber += 1
        var env = plan.env
        env["STEWARD_GENERATION"] = String(id.generation)
        env["STEWARD_SOCKET"] = String(socket.generation)
        env["STEWARD_PLAN"] = String(plan.identity.fingerprint)
        env["STEWARD_PLACE"] = String(plan.place)
        let request = LaunchRequest(
            number: lastNumber, plan, env: env, account: account, gently: gently,
            descriptors: [output.write, listener, execution.write])
        guard request.bytes.count <= LaunchRequest.longest else {
            throw SystemError("command and environment", code: E2BIG)
        }
        pending[lastNumber] = Pending(
            id: id, execution: execution.read, output: output.read, gently: gently)
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

    /// Remembers a signal for a worker of which launch has not told yet.
    func signal(_ id: WorkerID, _ number: Int32, leaderOnly: Bool) {
        if let start = numbers[id] { pending[start]?.signals.append((number, leaderOnly)) }
    }

    /// The answers that have come.
    func receive() throws -> [LaunchResult] {
        var results: [LaunchResult] = []
        while let channel, let answer = try LaunchAnswer(from: channel) {
            guard let start = pending[answer.number] else { continue }
            if let pidfd = answer.pidfd, answer.error == 0, answer.pid > 0 {
                forget(answer.number, start.id)
                let worker = WorkerChild(
                    child: Child(pid: answer.pid, pidfd: pidfd), execution: start.execution, output: start.output,
                    gently: start.gently)
                for (number, leaderOnly) in start.signals { worker.child.signal(number, leaderOnly: leaderOnly) }
                results.append(.started(start.id, worker))
            } else {
                // Where master has no room for its pidfd its end would go unseen: it must not live.
                if answer.error == 0, answer.pid > 0 { kill(answer.pid, SIGKILL) }
                let code = answer.error == 0 ? EMFILE : answer.error
                if let failure = fail(answer.number, "clone: \(SystemError.text(code))") { results.append(failure) }
            }
        }
        return results
    }

    private func fail(_ number: UInt64, _ why: String) -> LaunchResult? {
        guard let start = pending[number] else { return nil }
        forget(number, start.id)
        return .failed(start.id, why: why)
    }

    private func forget(_ number: UInt64, _ id: WorkerID) {
        pending[number] = nil
        numbers[id] = nil
        while let first = sent.first, pending[first] == nil { sent.removeFirst() }
    }
}
