// The real dbwatch against servers that want encryption, stand in recovery, or are cut off in the middle of a word.

import Foundation
import Shared
import SharedSystem
import TestSupport
import Testing

@testable import dbwatch

@Suite struct HostileServerTests {
    // MARK: TLS

    @Test func whatTLSFailsFor() async throws {
        try await PostgreSQL.with { plain in
            try await PostgreSQL.with { server in
                for name in ["right", "wrong"] { try await server.makeCertificate(name) }
                try await server.stop()
                try await server.start([
                    "ssl": "on", "ssl_cert_file": "\(server.folder)/right.crt",
                    "ssl_key_file": "\(server.folder)/right.key",
                ])
                func conninfo(_ options: String) -> String { server.conninfo() + " " + options }
                let right = "sslrootcert=\(server.folder)/right.crt"
                let databases = [
                    "without": plain.conninfo() + " sslmode=require",
                    "missing": conninfo("sslmode=verify-ca sslrootcert=/nowhere/root.crt"),
                    "unknown": conninfo("sslmode=verify-full sslrootcert=\(server.folder)/wrong.crt"),
                    "misnamed": conninfo("sslmode=verify-full \(right)"),
                    "required": conninfo("sslmode=require"),
                    "trusted": conninfo("sslmode=verify-ca \(right)"),
                    "preferred": plain.conninfo() + " sslmode=prefer",
                ]
                try await RunningDBWatch.with(databases) { watcher in
                    for name in ["without", "missing", "unknown", "misnamed"] {
                        try await watcher.first(name, is: "TLS failed")
                    }
                    for name in ["required", "trusted", "preferred"] { try await watcher.first(name, is: "available") }
                }
            }
        }
    }

    // MARK: recovery

    @Test func aStandbyUntilItsPromotion() async throws {
        let options = ["wal_level": "replica", "max_wal_senders": "4"]
        try await PostgreSQL.with(options) { primary in
            let standby = try await PostgreSQL.standby(of: primary)
            do {
                try await watch(primary, standby, options)
                await standby.destroy()
            } catch {
                await standby.destroy()
                throw error
            }
        }
    }

    private func watch(_ primary: PostgreSQL, _ standby: PostgreSQL, _ options: [String: String]) async throws {
        // Without hot_standby it takes no logins until it has been promoted, like any server that starts.
        try await standby.launch(options.merging(["hot_standby": "off"]) { $1 })
        let hosts = "host=127.0.0.1,127.0.0.1 port=\(standby.port),\(primary.port) user=steward dbname=postgres"
        let databases = ["standby": standby.conninfo(), "writable": hosts + " target_session_attrs=read-write"]
        try await RunningDBWatch.with(databases) { watcher in
            try await watcher.next("standby", .unavailable, "starting")
            try await standby.stop(.immediate)
            try await watcher.next("standby", .unavailable, "refused")
            try await standby.start(options.merging(["hot_standby": "on"]) { $1 })
            #expect(try await watcher.next("standby", .unavailable, "in recovery").role == "in-recovery")
            try await standby.query("SELECT pg_promote()")
            #expect(try await watcher.next("standby", .available).role == "read-write")
            // The second host took writes, all the time.
            #expect(try await Set(watcher.history("writable")) == ["available"])
        }
    }

    // MARK: silence

    @Test func aBackendThatIsFrozen() async throws {
        try await PostgreSQL.with { server in
            try await RunningDBWatch.with(["a": server.conninfo()]) { watcher in
                try await watcher.next("a", .available)
                let kept = "FROM pg_stat_activity WHERE application_name = 'steward'"
                let backend = try #require(pid_t(try await server.query("SELECT min(pid) \(kept)")))
                kill(backend, SIGSTOP)
                // The server itself answers the next connection: doubt, and no outage.
                try await until("a new connection beside the frozen one") {
                    try await server.query("SELECT count(*) \(kept) AND pid <> \(backend) AND state = 'idle'") != "0"
                }
                try await watcher.ping()
                kill(backend, SIGCONT)
                #expect(try await watcher.history("a").allSatisfy { $0 == "available" })
            }
        }
    }

    // MARK: a line that breaks

    @Test(arguments: [(Proxy.Trouble.stall, "timeout"), (.cut, "connection closed")])
    func aLineThatBreaksAtAnyByte(_ trouble: Proxy.Trouble, _ cause: String) async throws {
        try await PostgreSQL.with { server in
            // The greeting and the answer to the first question take about 550 bytes.
            let proxies = try [0, 1, 2, 9, 10, 50, 150, 300, 350, 400, 450].map { bytes in
                (bytes, try Proxy(to: server.port, bytes: bytes, then: trouble))
            }
            let whole = try Proxy(to: server.port, bytes: .max, then: trouble)
            let later = try Proxy(to: server.port, bytes: 1000, then: trouble)
            func conninfo(_ proxy: Proxy) -> String {
                "host=127.0.0.1 port=\(proxy.port) user=steward dbname=postgres"
            }
            var databases = ["whole": conninfo(whole), "later": conninfo(later)]
            for (bytes, proxy) in proxies { databases["after-\(bytes)"] = conninfo(proxy) }
            // A login that a loaded machine is slow with must not count as silence: only what stalls waits for so long.
            var settings = RunningDBWatch.settings
            settings.timeout = .seconds(trouble == .stall ? 5 : 60)
            try await RunningDBWatch.with(databases, settings) { watcher in
                for (bytes, _) in proxies { try await watcher.first("after-\(bytes)", is: cause) }
                for name in ["whole", "later"] { try await watcher.first(name, is: "available") }
                for (bytes, _) in proxies {
                    #expect(try await !watcher.history("after-\(bytes)").contains("available"), "after \(bytes) bytes")
                }
                // A line that breaks now and then is no outage: the next connection is there at once.
                #expect(try await watcher.history("later").allSatisfy { $0 == "available" })
            }
        }
    }
}

extension RunningDBWatch {
    /// Waits for the first word about a database.
    fileprivate func first(_ name: String, is expected: String) async throws {
        let deadline = Instant.now() + .seconds(180)
        while try history(name).isEmpty {
            guard Instant.now() < deadline else { throw Missing(description: "no verdict on \(name)") }
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(try history(name).first == expected, "\(name)")
    }
}

extension PostgreSQL {
    /// NAME.crt and NAME.key in the cluster's folder: a self-signed certificate.
    fileprivate func makeCertificate(_ name: String) async throws {
        let path = "\(folder)/\(name)"
        let made = try await CommandResult.of(
            "/usr/bin/openssl",
            [
                "req", "-new", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=\(name).invalid", "-days", "2",
                "-keyout", "\(path).key", "-out", "\(path).crt",
            ])
        guard made.status == 0 else { throw Missing(description: "openssl: \(made.errors)") }
        var owner = stat()
        stat(data, &owner)
        chown("\(path).key", owner.st_uid, owner.st_gid)
        chmod("\(path).key", 0o600)
    }
}
