import CLinux
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@testable import dispatcher

/// The real dispatch, checking services on real sockets.
@Suite struct CheckTests {
    private final class Bench {
        let folder: TemporaryFolder
        let dispatch: WatcherProcess<ToDispatch, FromDispatch>

        init(_ arguments: [String] = [], environment: [String: String] = [:], output: Descriptor? = nil) throws {
            folder = try TemporaryFolder()
            dispatch = try WatcherProcess("dispatch", arguments: arguments, environment: environment, output: output)
        }

        func order(
            _ path: String, _ number: Int = 1, timeout: Duration = .seconds(10), fall: Int = 3,
            awaitsReady: Bool = false
        ) -> CheckOrder {
            var order = CheckOrder()
            order.worker = worker(number)
            order.socket = path
            order.settings.timeout = timeout
            order.settings.interval = .milliseconds(200)
            order.settings.fall = fall
            order.awaitsReady = awaitsReady
            return order
        }

        /// The next verdict about a worker.
        func verdict(_ number: Int = 1) async throws -> CheckVerdict {
            try await dispatch.report { report in
                guard case .verdict(let verdict) = report, verdict.worker == worker(number) else { return nil }
                return verdict
            }
        }

        /// The first verdict about a service that behaves like this.
        func judge(_ behaviour: Service.Behaviour, timeout: Duration = .seconds(10)) async throws -> CheckVerdict {
            let service = try Service("\(folder.path)/s", behaviour)
            try dispatch.send(.check(order(service.path, timeout: timeout)))
            let verdict = try await verdict()
            withExtendedLifetime(service) {}
            return verdict
        }
    }

    @Test(
        arguments: [
            (Service.ok(), CheckOutcome.passed, 200),
            (.says("HTTP/1.1 204 No Content\r\n\r\n"), .passed, 204),
            (.says("HTTP/1.0 200 OK\r\n\r\nends with the connection"), .passed, 200),
            (.says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), .passed, 200),
            (.says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), .passed, 200),
            (.saysAndStays("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), .passed, 200),
            (.endless, .passed, 200),
            (.says("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"), .wrongStatus, 500),
            (.saysAndStays("HTTP/1.1 503 Oh\r\nContent-Length: 9\r\n\r\n"), .wrongStatus, 503),
            (.says("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), .wrongStatus, 302),
            (.says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), .wrongStatus, 101),
            (.says("garbage\r\n\r\n"), .badAnswer, nil),
            (.says("HTTP/1.1 200 OK\r\nX: \(String(repeating: "y", count: 50_000))\r\n\r\n"), .badAnswer, nil),
            (.says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nends early"), .badAnswer, nil),
            (.says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nen"), .badAnswer, nil),
            (.says("HTTP/1.1 20"), .badAnswer, nil),
            (.says(""), .badAnswer, nil),
            (.says(String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 10_000)), .badAnswer, nil),
        ] as [(Service.Behaviour, CheckOutcome, Int?)])
    func answers(behaviour: Service.Behaviour, outcome: CheckOutcome, status: Int?) async throws {
        let verdict = try await Bench().judge(behaviour)
        #expect(verdict.outcome == outcome)
        #expect(verdict.status == status)
        #expect((verdict.latency != nil) == (status != nil))
        #expect(verdict.health == (outcome == .passed ? .passing : .doubtful))
    }

    @Test(arguments: [Service.Behaviour.hangs, .drips, .saysAndStays("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")])
    func slowOnesTimeOut(behaviour: Service.Behaviour) async throws {
        #expect(try await Bench().judge(behaviour, timeout: .milliseconds(300)).outcome == .timeout)
    }

    @Test func refusedFailingAndBack() async throws {
        let bench = try Bench()
        let path = "\(bench.folder.path)/s"
        try bench.dispatch.send(.check(bench.order(path, fall: 2)))
        #expect(try await bench.verdict().health == .doubtful)
        let failing = try await bench.verdict()
        #expect(failing.health == .failing && failing.outcome == .refused)
        // It goes on failing, and is told again.
        #expect(try await bench.verdict().health == .failing)
        let service = try Service(path, Service.ok())
        var verdict = try await bench.verdict()
        while verdict.health == .failing { verdict = try await bench.verdict() }
        #expect(verdict.health == .passing && verdict.status == 200)
        withExtendedLifetime(service) {}
    }

    @Test func aFullBacklogIsRefused() async throws {
        let bench = try Bench()
        let path = "\(bench.folder.path)/s"
        let listener = try UnixSocket.listen(at: path, backlog: 0, mode: 0o600)
        let first = try UnixSocket.connect(to: path)
        try bench.dispatch.send(.check(bench.order(path)))
        #expect(try await bench.verdict().outcome == .refused)
        withExtendedLifetime((listener, first)) {}
    }

    @Test func anAwaitedWorkerIsReportedWhenItPasses() async throws {
        let bench = try Bench()
        let path = "\(bench.folder.path)/s"
        try bench.dispatch.send(.check(bench.order(path, awaitsReady: true)))
        // Asked for, the failure is told too: then the worker has been tried.
        try bench.dispatch.send(.suspect(worker(1)))
        #expect(try await bench.verdict().outcome == .refused)
        let service = try Service(path, Service.ok())
        #expect(try await bench.verdict().health == .passing)
        withExtendedLifetime(service) {}
    }

    @Test func aSuspectIsReportedWhateverItIs() async throws {
        let bench = try Bench()
        let service = try Service("\(bench.folder.path)/s", Service.ok())
        try bench.dispatch.send(.check(bench.order(service.path)))
        #expect(try await bench.verdict().health == .passing)
        for _ in 0..<3 {
            try bench.dispatch.send(.suspect(worker(1)))
            #expect(try await bench.verdict().health == .passing)
        }
    }

    @Test func theForgottenAreHeardOfNoMore() async throws {
        let bench = try Bench()
        let path = "\(bench.folder.path)/s"
        let hanging = try Service(path, .hangs)
        try bench.dispatch.send(.check(bench.order(path, timeout: .milliseconds(300))))
        try bench.dispatch.send(.forget(worker(1)))
        // Another one's verdict with the same timeout comes later than the first one's would have.
        try bench.dispatch.send(.check(bench.order(path, 2, timeout: .milliseconds(300))))
        var heard: [WorkerID] = []
        try await bench.dispatch.report { report -> Void? in
            guard case .verdict(let verdict) = report else { return nil }
            heard.append(verdict.worker)
            return verdict.worker == worker(2) ? () : nil
        }
        #expect(heard == [worker(2)])
        withExtendedLifetime(hanging) {}
    }

    @Test func aThousandWorkers() async throws {
        let bench = try Bench()
        let service = try Service("\(bench.folder.path)/s", Service.ok())
        let hanging = try Service("\(bench.folder.path)/h", .hangs)
        var awaited = Set<WorkerID>()
        for number in 0..<1000 {
            // Some that hang do not hold up the others.
            let path = number % 100 == 0 ? hanging.path : service.path
            var order = bench.order(path, number, timeout: .seconds(60))
            order.settings.interval = .seconds(10)
            try bench.dispatch.send(.check(order))
            if path == service.path { awaited.insert(order.worker) }
        }
        try await bench.dispatch.report { report -> Void? in
            guard case .verdict(let verdict) = report else { return nil }
            // The hanging ones may have timed out by then.
            if awaited.remove(verdict.worker) != nil { #expect(verdict.outcome == .passed) }
            return awaited.isEmpty ? () : nil
        }
        withExtendedLifetime((service, hanging)) {}
    }

    @Test func whatItMissedWhileItWasStoppedCountsForNothing() async throws {
        let bench = try Bench()
        let path = "\(bench.folder.path)/s"
        let hanging = try UnixSocket.listen(at: path, mode: 0o600)
        var accepted: [Descriptor] = []
        // On a busy machine the timeout may come before the stop: then once more.
        repeat {
            kill(bench.dispatch.pid, SIGCONT)
            try bench.dispatch.send(.check(bench.order(path, timeout: .seconds(1))))
            accepted.append(try await accept(hanging))
            kill(bench.dispatch.pid, SIGSTOP)
            try await bench.dispatch.stopped()
        } while try !bench.dispatch.pending().isEmpty
        try await Task.sleep(for: .milliseconds(1500))
        let resumed = Instant.now()
        kill(bench.dispatch.pid, SIGCONT)
        // The check is repeated, and this time it is listened for in full.
        #expect(try await bench.verdict().outcome == .timeout)
        #expect(Instant.now() - resumed >= .seconds(1))
        withExtendedLifetime(accepted) {}
    }

    private func accept(_ listener: Descriptor) async throws -> Descriptor {
        while true {
            if let number = try attempt("accept", { clinux_accept(listener.number) }) {
                return Descriptor(owning: number)
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    @Test func masterGoneItEnds() async throws {
        let bench = try Bench()
        try bench.dispatch.ping()
        try await bench.dispatch.receive { $0 == .pong ? () : nil }
        bench.dispatch.hangUp()
        #expect(try await bench.dispatch.exit() == 0)
    }

    @Test func byHandItCountsAndTells() async throws {
        let folder = try TemporaryFolder()
        let service = try Service("\(folder.path)/s", Service.ok())
        let passing = try await byHand(folder, ["--check", service.path, "--count", "2", "--interval", "100ms"])
        #expect(passing.code == 0)
        #expect(passing.lines.count == 2 && passing.lines.allSatisfy { $0.contains(" passed 200 ") })
        let failing = try await byHand(
            folder, ["--check", "\(folder.path)/none", "--count", "3", "--interval", "100ms"])
        #expect(failing.code == 1)
        #expect(failing.lines.last?.hasSuffix(" failing: refused") == true)
        #expect(try await byHand(folder, []).code == 64)
        #expect(try await byHand(folder, ["--check", "x", "--timeout", "soon"]).code == 64)
    }

    private func byHand(_ folder: TemporaryFolder, _ arguments: [String]) async throws -> (code: Int32, lines: [String])
    {
        let file = "\(folder.path)/output"
        let output = Descriptor(
            owning: try check("open") { open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600) })
        let dispatch = try WatcherProcess<ToDispatch, FromDispatch>(
            "dispatch", arguments: arguments, environment: ["STEWARD_WATCHER": ""], output: output)
        let code = try await dispatch.exit()
        let text = String(decoding: folder.content("output") ?? [], as: UTF8.self)
        return (code, text.split(separator: "\n").map(String.init))
    }
}
