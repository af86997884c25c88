// dbwatch as an operator runs it.

import Foundation
import Shared
import SharedSystem
import TestSupport
import Testing

/// What one run has printed, as far as it has come, and how it has ended.
private struct Run {
    let process: pid_t
    let output: String

    /// - Parameter configuration: the text of steward.yaml; nil leaves the option out.
    init(_ configuration: String?, _ folder: String) throws {
        let output = "\(folder)/output"
        self.output = output
        var arguments: [String] = []
        if let configuration {
            try configuration.write(toFile: "\(folder)/steward.yaml", atomically: true, encoding: .utf8)
            arguments = ["--config", "\(folder)/steward.yaml"]
        }
        let file = Descriptor(
            owning: try check("open") { open(output, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o600) })
        let environment = ["PGHOST=wrong.invalid", "HOME=\(folder)"]
        process = try RunningDBWatch.spawn(arguments, environment, [file.number, file.number, file.number])
    }

    /// What it has printed, without the times before the lines.
    var lines: [String] {
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map { line in
            line.hasPrefix("20") ? String(line.drop { $0 != " " }.dropFirst()) : String(line)
        }
    }

    func exit() async throws -> Int32 { try await RunningDBWatch.exit(of: process) }
}

private func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = "/tmp/dbw.\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
}

@Test(arguments: [SIGINT, SIGTERM])
func byHandItPrintsEachChangeUntilItIsInterrupted(_ signal: Int32) async throws {
    try await PostgreSQL.with { server in
        try await withFolder { folder in
            let service = "[third]\nhost=localhost\nport=\(server.port)\nuser=steward\ndbname=nope\n"
            try service.write(toFile: "\(folder)/.pg_service.conf", atomically: true, encoding: .utf8)
            let run = try Run(
                """
                users: ./users
                databases:
                  main-a: {conninfo: "\(server.conninfo())", group: main}
                  main-b: {conninfo: "host=\(folder) user=x dbname=x", group: main}
                  main-c: {conninfo: "service=third"}
                """, folder)
            let deadline = Instant.now() + .seconds(60)
            // A database may have more than one line by then: its latency is reported when it has changed enough.
            while Set(run.lines.map { $0.prefix(6) }).count < 3, Instant.now() < deadline {
                try await Task.sleep(for: .milliseconds(10))
            }
            kill(run.process, signal)
            #expect(try await run.exit() == 0)
            let lines = run.lines.sorted()
            #expect(lines.first?.hasPrefix("main-a available read-write ") == true)
            #expect(lines.first?.hasSuffix(" ms") == true)
            #expect(lines.contains("main-b unavailable: refused"))
            #expect(lines.last == "main-c unavailable: no such database")
        }
    }
}

@Test(arguments: [
    ("users: ./users\n", "steward.yaml: no databases to watch"),
    ("users: ./users\ndatabases: {a: {conninfo: 7}}\nnonsense: 1\n", "steward.yaml:"),
])
func aBadConfigurationIsOneLine(_ configuration: String, _ expected: String) async throws {
    try await withFolder { folder in
        let run = try Run(configuration, folder)
        #expect(try await run.exit() == 78)
        #expect(run.lines.count == 1)
        #expect(run.lines.first?.contains(expected) == true)
    }
}

@Test func byHandItNeedsAConfiguration() async throws {
    try await withFolder { folder in
        let run = try Run(nil, folder)
        #expect(try await run.exit() == 64)
        #expect(run.lines.first?.contains("--config FILE") == true)
    }
}
