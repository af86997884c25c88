// The real dbwatch on one end of a socketpair; the test is its master.

import CLinux
import Foundation
import Shared
import SharedSystem
import TestSupport
import Testing

struct Missing: Error, CustomStringConvertible {
    let description: String
}

actor RunningDBWatch {
    typealias Link = Channel<FromDBWatch, ToDBWatch>

    /// What has been reported so far, in its order.
    private(set) var reports: [DatabaseReport] = []
    private let link: Link
    private let process: pid_t
    private let log: String
    private var isEnded = false

    /// Quick enough for a test, slow enough for a loaded machine.
    static var settings: DatabaseCheckSettings {
        var settings = DatabaseCheckSettings()
        settings.interval = .milliseconds(100)
        settings.timeout = .milliseconds(700)
        settings.fall = 2
        settings.loginInterval = .milliseconds(400)
        return settings
    }

    /// Runs `body` with a dbwatch that watches these databases, and ends it by the end of its channel.
    static func with(
        _ databases: [String: String], _ settings: DatabaseCheckSettings = RunningDBWatch.settings,
        _ body: (RunningDBWatch) async throws -> Void
    ) async throws {
        let watcher = try RunningDBWatch()
        do {
            try await watcher.order(databases, settings)
            try await body(watcher)
            try await watcher.end()
        } catch {
            await watcher.abandon()
            throw error
        }
    }

    private init() throws {
        var pair: [Int32] = [-1, -1]
        try check("socketpair") { clinux_socketpair(&pair) }
        link = Link(Descriptor(owning: pair[0]))
        let theirs = Descriptor(owning: pair[1])
        let log = "/tmp/dbwatch.\(UInt64.random(in: 0 ... .max)).log"
        self.log = log
        let output = Descriptor(
            owning: try check("open") { open(log, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) })
        // PGHOST must not reach libpq.
        process = try Self.spawn(
            [], ["STEWARD_WATCHER=7", "PGHOST=wrong.invalid", "PGPORT=1"],
            [output.number, output.number, output.number, theirs.number])
    }

    static var executable: String {
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return (bundle as NSString).deletingLastPathComponent + "/dbwatch"
    }

    static func spawn(_ arguments: [String], _ environment: [String], _ descriptors: [Int32]) throws -> pid_t {
        var argv: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        var env: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for text in argv + env { free(text) } }
        var process: pid_t = 0
        let error = clinux_spawn(&process, executable, &argv, &env, descriptors, Int32(descriptors.count))
        guard error == 0 else { throw SystemError("posix_spawn", executable, code: error) }
        return process
    }

    static func exit(of process: pid_t) async throws -> Int32 {
        let deadline = Instant.now() + .seconds(60)
        var status: Int32 = 0
        while clinux_wait(process, 0, &status) < 0 {
            guard Instant.now() < deadline else { throw Missing(description: "dbwatch does not end") }
            try await Task.sleep(for: .milliseconds(5))
        }
        return status
    }

    // MARK: master's part

    func order(_ databases: [String: String], _ settings: DatabaseCheckSettings = RunningDBWatch.settings) throws {
        try link.send(.settings(settings))
        for (name, conninfo) in databases {
            var database = DatabaseSettings()
            database.name = name
            database.conninfo = conninfo
            try link.send(.database(database))
        }
        try link.send(.complete)
    }

    /// Waits for a report of `name` with this state and cause, later than those that are known already.
    @discardableResult
    func next(
        _ name: String, _ state: DatabaseState, _ cause: String? = nil, within limit: Duration = .seconds(60)
    ) async throws -> DatabaseReport {
        var seen = reports.count
        let deadline = Instant.now() + limit
        while true {
            try receive()
            for report in reports[seen...] where report.name == name && report.state == state && report.cause == cause {
                return report
            }
            seen = reports.count
            guard Instant.now() < deadline else {
                let known = reports.map(\.description).joined(separator: "\n")
                throw Missing(description: "no report: \(name) \(state) \(cause ?? ""); only\n\(known)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// What has been reported of `name`, as far as it has come: the state and cause of each report.
    func history(_ name: String) throws -> [String] {
        try receive()
        return reports.filter { $0.name == name }.map { $0.cause ?? "\($0.state)" }
    }

    func ping() async throws {
        try link.send(.ping)
        let pongs = pongs
        let deadline = Instant.now() + .seconds(60)
        while self.pongs == pongs {
            try receive()
            guard Instant.now() < deadline else { throw Missing(description: "no pong") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private(set) var hello: Hello?
    private var pongs = 0

    private func receive() throws {
        try link.flush()
        for received in try link.receive() {
            switch received.packet {
            case .hello(let hello): self.hello = hello
            case .pong: pongs += 1
            case .ping, .handover, .handedOver, .leave: Issue.record("dbwatch does not say that")
            case .body(.report(let report)): reports.append(report)
            }
        }
    }

    /// What it has logged.
    var logged: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// The end of the channel is goodbye.
    private func end() async throws {
        shutdown(link.descriptor.number, Int32(SHUT_RDWR))
        let status = try await Self.exit(of: process)
        isEnded = true
        #expect(status == 0)
        unlink(log)
    }

    private func abandon() async {
        if !isEnded {
            kill(process, SIGKILL)
            _ = try? await Self.exit(of: process)
        }
        unlink(log)
    }
}
