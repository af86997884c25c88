// The real dbwatch against real servers, and against what only looks like one.

import CLinux
import Foundation
import Shared
import SharedSystem
import TestSupport
import Testing

@testable import dbwatch

@Suite struct ServerTests {
    @Test func aServerThatStopsAndStarts() async throws {
        try await PostgreSQL.with { server in
            try await RunningDBWatch.with(["a": server.conninfo(), "b": server.localConninfo()]) { watcher in
                let report = try await watcher.next("a", .available)
                #expect(report.role == "read-write")
                #expect(try #require(report.latency) > 0)
                #expect(await watcher.hello?.kind == .dbwatch)
                #expect(await watcher.hello?.generation == 7)
                try await watcher.ping()
                for mode in [PostgreSQL.Stop.fast, .immediate] {
                    try await server.stop(mode)
                    try await watcher.next("a", .unavailable, "refused")
                    try await server.start()
                    try await watcher.next("a", .available)
                }
                try await server.crash()
                try await watcher.next("a", .unavailable, "refused")
                try await server.start()
                try await watcher.next("a", .available)
                #expect(try await watcher.history("b").contains("refused"))
            }
        }
    }

    @Test func anOutageIsNoticedAtOnce() async throws {
        var settings = RunningDBWatch.settings
        settings.interval = .seconds(60)
        settings.loginInterval = .seconds(60)
        settings.timeout = .seconds(30)
        try await PostgreSQL.with { server in
            try await RunningDBWatch.with(["a": server.conninfo()], settings) { watcher in
                try await watcher.next("a", .available)
                // No question is due for a minute: only the end of the kept connection can tell.
                try await server.stop(.immediate)
                try await watcher.next("a", .unavailable, "refused", within: .seconds(5))
                try await server.start()
                try await watcher.next("a", .available, within: .seconds(5))
            }
        }
    }

    @Test func aFrozenPostmaster() async throws {
        try await PostgreSQL.with { server in
            try await RunningDBWatch.with(["a": server.conninfo()]) { watcher in
                try await watcher.next("a", .available)
                await server.freeze()
                try await watcher.next("a", .unavailable, "timeout")
                await server.thaw()
                try await watcher.next("a", .available)
                await server.freezeAll()
                try await watcher.next("a", .unavailable, "timeout")
                await server.thaw()
                try await watcher.next("a", .available)
            }
        }
    }

    @Test func aSmartStopRefusesOnlyNewLogins() async throws {
        try await PostgreSQL.with { server in
            try await RunningDBWatch.with(["a": server.conninfo()]) { watcher in
                try await watcher.next("a", .available)
                let stopping = Task { try await server.stop(.smart) }
                // The kept connection would hold the server up for ever; only the fresh login is told.
                try await watcher.next("a", .unavailable, "stopping")
                await server.interrupt()
                try await stopping.value
                try await watcher.next("a", .unavailable, "refused")
            }
        }
    }

    @Test func aKeptConnectionThatIsTerminated() async throws {
        try await PostgreSQL.with { server in
            try await RunningDBWatch.with(["a": server.conninfo()]) { watcher in
                try await watcher.next("a", .available)
                for _ in 0..<5 {
                    let sessions = "FROM pg_stat_activity WHERE application_name = 'steward'"
                    let before = try await server.query("SELECT min(pid) \(sessions)")
                    try await server.query("SELECT pg_terminate_backend(pid) \(sessions)")
                    try await until("a new kept connection") {
                        let now = try await server.query("SELECT count(*) \(sessions) AND pid <> \(before)")
                        return now != "0"
                    }
                }
                #expect(try await watcher.history("a").allSatisfy { $0 == "available" })
            }
        }
    }

    @Test func aFullServer() async throws {
        let options = ["max_connections": "6", "superuser_reserved_connections": "1"]
        try await PostgreSQL.with(options) { server in
            try await server.query("CREATE ROLE plain LOGIN")
            try await RunningDBWatch.with(["a": server.conninfo(user: "plain")]) { watcher in
                try await watcher.next("a", .available)
                let others = (0..<4).map { _ in
                    Task { try? await server.query("SET application_name = 'x'; SELECT pg_sleep(60)") }
                }
                try await watcher.next("a", .unavailable, "full")
                try await server.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'x'")
                for other in others { _ = await other.value }
                try await watcher.next("a", .available)
            }
        }
    }

    @Test func whatALoginIsRefusedFor() async throws {
        try await PostgreSQL.with { server in
            try await server.query("CREATE ROLE unwelcome LOGIN; CREATE ROLE secretive LOGIN PASSWORD 'right'")
            try await server.prepend(toHBA: "host all unwelcome all reject\nhost all secretive all scram-sha-256\n")
            let databases = [
                "noDatabase": server.conninfo(database: "nope"), "noRole": server.conninfo(user: "nobody"),
                "rejected": server.conninfo(user: "unwelcome"), "noPassword": server.conninfo(user: "secretive"),
                "wrongPassword": server.conninfo(user: "secretive") + " password=wrong-s3cret",
                "rightPassword": server.conninfo(user: "secretive") + " password=right",
                "uri": "postgresql://secretive:right@127.0.0.1:\(server.port)/postgres",
                "garbage": "host=a password=wrong s3cret",
                "noPort": "host=127.0.0.1 port=none password=wrong-s3cret",
            ]
            try await RunningDBWatch.with(databases) { watcher in
                try await until("all reports") { try await watcher.names() == databases.count }
                let causes = Dictionary(await watcher.reports.map { ($0.name, $0.cause) }, uniquingKeysWith: { $1 })
                #expect(causes["noDatabase"] == "no such database")
                for name in ["noRole", "rejected", "noPassword", "wrongPassword"] {
                    #expect(causes[name] == "login refused", "\(name)")
                }
                #expect(causes["rightPassword"] == .some(nil))
                #expect(causes["uri"] == .some(nil))
                #expect(causes["garbage"] == "conninfo is not valid")
                #expect(causes["noPort"]??.contains("none") == true)
                let text = await watcher.reports.map(\.description).joined() + watcher.logged
                #expect(!text.contains("s3cret"))
            }
        }
    }

    @Test func aReadOnlyServer() async throws {
        try await PostgreSQL.with { server in
            try await server.query("ALTER SYSTEM SET default_transaction_read_only = on")
            try await server.query("SELECT pg_reload_conf()")
            var content = RunningDBWatch.settings
            content.writable = false
            try await RunningDBWatch.with(["a": server.conninfo()]) { watcher in
                let report = try await watcher.next("a", .unavailable, "read-only")
                #expect(report.role == "read-only")
                try await watcher.order(["a": server.conninfo()], content)
                try await watcher.next("a", .available)
                try await watcher.order(["a": server.conninfo()])
                try await watcher.next("a", .unavailable, "read-only")
                try await server.query("ALTER SYSTEM RESET ALL")
                try await server.query("SELECT pg_reload_conf()")
                try await watcher.next("a", .available)
            }
        }
    }

    @Test func aStandbyInRecovery() async throws {
        let options = ["wal_level": "replica", "hot_standby": "on", "primary_conninfo": "host=/nowhere"]
        try await PostgreSQL.with(options) { server in
            try await server.stop()
            try Data().write(to: URL(fileURLWithPath: "\(server.data)/standby.signal"))
            try await server.start(options)
            try await RunningDBWatch.with(["a": server.conninfo()]) { watcher in
                let report = try await watcher.next("a", .unavailable, "in recovery")
                #expect(report.role == "in-recovery")
            }
        }
    }

    @Test func whoDoesNotAnswerDelaysNobody() async throws {
        let mute = try Listener()
        let nobody = try PostgreSQL.freePort()
        try await PostgreSQL.with { server in
            let login = "user=steward dbname=postgres"
            let databases = [
                "mute": "host=127.0.0.1 port=\(mute.port) \(login)",
                "nobody": "host=127.0.0.1 port=\(nobody) \(login)",
                "noSocket": "host=\(server.folder) port=1 \(login)",
                "unresolved": "host=nobody.invalid \(login)",
                "named": "host=localhost port=\(server.port) \(login)",
                "second": "host=127.0.0.1,127.0.0.1 port=\(mute.port),\(server.port) \(login)",
                "good": server.conninfo(),
            ]
            try await RunningDBWatch.with(databases) { watcher in
                try await watcher.next("good", .available, within: .seconds(5))
                try await until("all reports") { try await watcher.names() == databases.count }
                let reports = await watcher.reports.map { ($0.name, $0) }
                let first = Dictionary(reports, uniquingKeysWith: { old, _ in old })
                #expect(first["mute"]?.cause == "timeout")
                #expect(first["nobody"]?.cause == "refused")
                #expect(first["noSocket"]?.cause == "refused")
                #expect(first["unresolved"]?.cause == "not resolved")
                #expect(first["named"]?.state == .available)
                // An asynchronous connection waits for its first host for ever; the next one begins with the second.
                #expect(first["second"]?.state == .available)
                #expect(try await watcher.history("good").allSatisfy { $0 == "available" })
            }
        }
    }

    @Test func aServiceFileAndAPassfile() async throws {
        try await PostgreSQL.with { server in
            try await server.query("CREATE ROLE secretive LOGIN PASSWORD 'right'")
            try await server.prepend(toHBA: "host all secretive all scram-sha-256\n")
            let passfile = "\(server.folder)/pass"
            try "localhost:*:*:secretive:right\n".write(toFile: passfile, atomically: true, encoding: .utf8)
            chmod(passfile, 0o600)
            try #require(Parameters(conninfo: "service=no-such-service") != nil)
            let conninfo = "host=localhost port=\(server.port) dbname=postgres user=secretive passfile=\(passfile)"
            try await RunningDBWatch.with(["a": conninfo, "service": "service=no-such-service"]) { watcher in
                try await watcher.next("a", .available)
                try await until("the other") { try await !watcher.history("service").isEmpty }
                #expect(try await watcher.history("service").first?.contains("no-such-service") == true)
            }
        }
    }

    @Test func aSnapshotChangesOnlyWhatDiffers() async throws {
        try await PostgreSQL.with { server in
            try await RunningDBWatch.with(["a": server.conninfo(), "b": server.conninfo()]) { watcher in
                try await watcher.next("b", .available)
                try await until("a") { try await watcher.history("a").last == "available" }
                let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'steward'"
                try await watcher.order(["a": server.conninfo(), "c": server.conninfo(database: "nope")])
                try await watcher.next("c", .unavailable, "no such database")
                try await until("the end of b") { try await server.query(sessions) == "1" }
                try await watcher.order(["a": server.localConninfo()])
                try await watcher.next("a", .available)
                #expect(try await Set(watcher.history("a")) == ["available"])
            }
        }
    }

    @Test func aGoodbyeIsNoErrorInTheServersLog() async throws {
        try await PostgreSQL.with { server in
            try await RunningDBWatch.with(["a": server.conninfo()]) { watcher in
                try await watcher.next("a", .available)
                try await Task.sleep(for: .seconds(1))
                try await watcher.order([:])
                try await until("the end") {
                    try await server.query(
                        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'steward'") == "0"
                }
            }
            let log = try String(contentsOfFile: "\(server.folder)/log", encoding: .utf8)
            #expect(!log.contains("reset by peer"))
            #expect(!log.contains("unexpected EOF"))
        }
    }
}

extension RunningDBWatch {
    /// How many databases have been reported.
    func names() throws -> Int {
        _ = try history("")
        return Set(reports.map(\.name)).count
    }
}

extension PostgreSQL {
    /// Puts lines before those of pg_hba.conf and has them read.
    func prepend(toHBA lines: String) async throws {
        let path = "\(data)/pg_hba.conf"
        let old = try String(contentsOfFile: path, encoding: .utf8)
        try (lines + old).write(toFile: path, atomically: false, encoding: .utf8)
        try await query("SELECT pg_reload_conf()")
    }

    /// SIGINT, beside a stop that waits: a fast stop.
    func interrupt() {
        if let pid { kill(pid, SIGINT) }
    }
}

func until(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = Instant.now() + .seconds(60)
    while try await !condition() {
        guard Instant.now() < deadline else { throw Missing(description: "not in time: \(what)") }
        try await Task.sleep(for: .milliseconds(10))
    }
}
