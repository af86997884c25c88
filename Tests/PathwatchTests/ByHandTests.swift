// pathwatch without a master: its lines, its exit codes, its end.

import CLinux
import Foundation
import Testing

@testable import Shared
@testable import SharedSystem
@testable import pathwatch

@Suite struct ByHandTests {
    /// pathwatch run by hand, with what it prints on both outputs.
    private final class Run {
        let pid: pid_t
        private(set) var output = ""
        private let reader: Descriptor
        private var status: Int32?

        init(_ arguments: [String], environment: [String] = [], channel: Descriptor? = nil) throws {
            var ends: [Int32] = [-1, -1]
            try check("pipe") { clinux_pipe(&ends) }
            reader = Descriptor(owning: ends[0])
            let writer = Descriptor(owning: ends[1])
            try check("fcntl") { fcntl(ends[0], F_SETFL, O_NONBLOCK) }
            let descriptors = [0, writer.number, writer.number] + (channel.map { [$0.number] } ?? [])
            pid = try PathwatchProcess.spawn(["pathwatch"] + arguments, environment, descriptors)
        }

        deinit {
            if status == nil { PathwatchProcess.end(pid) }
        }

        func takeIn() {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while case let size = read(reader.number, &buffer, buffer.count), size > 0 {
                output += String(decoding: buffer[..<size], as: UTF8.self)
            }
        }

        func wait(_ what: String, _ condition: () -> Bool) async throws {
            let deadline = Instant.now() + .seconds(60)
            while true {
                takeIn()
                if condition() { return }
                try #require(Instant.now() < deadline, "waited in vain for \(what): \(output)")
                try await Task.sleep(for: .milliseconds(2))
            }
        }

        func exitCode() async throws -> Int32? {
            try await wait("the exit") {
                var code: Int32 = 0
                if clinux_wait(pid, 0, &code) == 0 { status = code }
                return status != nil
            }
            takeIn()
            return status
        }
    }

    @Test func everyReportIsALineWithoutSecrets() async throws {
        let fixture = try UsersFixture()
        let configuration = fixture.root + "/steward.yaml"
        try fixture.write("users: ./users\ndatabases: {main-a: {conninfo: \"password=hidden\"}}", to: configuration)
        try fixture.add(
            "alice",
            """
            plan: paid
            database: main-a
            env: {TOKEN: hidden, A: hidden}
            check: {path: "", interval: 1s, fall: 2}
            limits: {files: 100}
            run_as: alice
            enabled: false
            command: [serve, --password, hidden]
            """)
        let run = try Run(["--config", configuration])
        let line = """
            adduser alice plan=paid database=main-a env=A,TOKEN check.path=none check.interval=1000.0ms \
            check.fall=2 limits.files=100 run_as=alice enabled=false command=serve
            """
        try await run.wait("the snapshot") { run.output.contains(" complete\n") }
        #expect(run.output.contains(" \(line)\n"))
        try fixture.write("plan: gold", to: fixture.file("alice"))
        try await run.wait("the fault") { run.output.contains(" fault alice ") }
        try fixture.write("", to: fixture.file("alice"))
        try await run.wait("its end") { run.output.contains(" moduser alice plan=free\n") }
        try await run.wait("its end") { run.output.contains(" faultless alice\n") }
        try fixture.remove(fixture.users + "/alice")
        try await run.wait("the end of alice") { run.output.contains(" deluser alice\n") }
        #expect(!run.output.contains("hidden"))
        kill(run.pid, SIGTERM)
        #expect(try await run.exitCode() == 0)
    }

    @Test func aBadConfigurationIsOneLine() async throws {
        let fixture = try UsersFixture()
        let configuration = fixture.root + "/steward.yaml"
        try fixture.write("users: ./users\nwroker: {}", to: configuration)
        let run = try Run([], environment: ["STEWARD_CONFIG=\(configuration)"])
        #expect(try await run.exitCode() == badConfigurationExitCode)
        #expect(run.output == "\(configuration):2:1: unknown key 'wroker', the nearest known one is 'worker'\n")
    }

    @Test func theVersionIsStewards() async throws {
        let run = try Run(["--version"])
        #expect(try await run.exitCode() == 0)
        #expect(run.output == "\(stewardVersion)\n")
    }

    @Test func theEndOfMasterIsTheEnd() async throws {
        var ends: [Int32] = [-1, -1]
        try check("socketpair") { clinux_socketpair(&ends) }
        var own: Descriptor? = Descriptor(owning: ends[0])
        let run = try Run([], environment: ["STEWARD_WATCHER=1"], channel: Descriptor(owning: ends[1]))
        #expect(own != nil)
        own = nil
        #expect(try await run.exitCode() == 0)
        #expect(run.output.isEmpty)
    }

    @Test func anotherMessageThanOrdersIsTheEnd() async throws {
        var ends: [Int32] = [-1, -1]
        try check("socketpair") { clinux_socketpair(&ends) }
        let own = Descriptor(owning: ends[0])
        let run = try Run([], environment: ["STEWARD_WATCHER=1"], channel: Descriptor(owning: ends[1]))
        #expect(write(own.number, [0, 0, 0, 1, 99] as [UInt8], 5) == 5)
        #expect(try await run.exitCode() == 1)
        #expect(run.output.contains("unknown message type 99"))
    }
}
