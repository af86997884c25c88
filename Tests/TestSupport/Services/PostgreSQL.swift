// A private PostgreSQL cluster for a test: its own folder, its own port, ended by pid.
//
// The server is a direct child of the test. Started by root, it runs under the account postgres, a PostgreSQL rule.

import CLinux
import Foundation
import Shared
import SharedSystem

package struct PostgreSQLError: Error, CustomStringConvertible {
    package let description: String
}

/// A cluster made by `create`, not running at first. `destroy` ends it and removes its folder; a test that forgets it
/// has the server killed and the folder removed when the last reference goes.
package actor PostgreSQL {
    /// How a running server is asked to end: the modes of pg_ctl.
    package enum Stop: Int32, Sendable {
        /// Waits for the clients to leave.
        case smart = 15
        /// Closes all connections (SIGINT).
        case fast = 2
        /// Without a checkpoint (SIGQUIT).
        case immediate = 3
    }

    /// The superuser of every cluster; all logins are trusted unless the test writes another pg_hba.conf.
    package static let user = "steward"

    /// Holds the data folder `data`, the Unix socket and the server's log.
    package nonisolated let folder: String
    package nonisolated let port: Int
    private let binaries: String
    private var postmaster: pid_t?

    /// Makes a cluster in a new folder under /tmp.
    package static func create() async throws -> PostgreSQL {
        let cluster = try PostgreSQL()
        try await cluster.make([
            "initdb", "-D", cluster.data, "-U", Self.user, "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8",
            "--no-instructions", "--wal-segsize=1",
        ])
        return cluster
    }

    /// Makes a streaming standby of a running cluster, whose `max_wal_senders` is at least 2.
    package static func standby(of primary: PostgreSQL) async throws -> PostgreSQL {
        let cluster = try PostgreSQL()
        try await cluster.make([
            "pg_basebackup", "-D", cluster.data, "-d", primary.localConninfo(), "--checkpoint=fast", "--no-sync", "-R",
        ])
        return cluster
    }

    /// Runs `body` on a running cluster and destroys it afterwards, whatever happens.
    package static func with<Result: Sendable>(
        _ options: [String: String] = [:], _ body: (PostgreSQL) async throws -> Result
    ) async throws -> Result {
        let cluster = try await create()
        do {
            try await cluster.start(options)
            let result = try await body(cluster)
            await cluster.destroy()
            return result
        } catch {
            await cluster.destroy()
            throw error
        }
    }

    private init() throws {
        binaries = try Self.findBinaries()
        folder = try OwnedFolder.make("pg.")
        port = try Self.freePort()
        if let account = Self.account {
            try check("chown", folder) { chown(folder, account.uid, account.gid) }
        }
    }

    deinit {
        if let postmaster {
            kill(postmaster, SIGKILL)
            waitpid(postmaster, nil, 0)
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: what it answers to

    package nonisolated var data: String { "\(folder)/data" }

    /// A conninfo for this cluster over TCP.
    package nonisolated func conninfo(database: String = "postgres", user: String = PostgreSQL.user) -> String {
        "host=127.0.0.1 port=\(port) dbname=\(database) user=\(user)"
    }

    /// The same over its Unix socket.
    package nonisolated func localConninfo(database: String = "postgres", user: String = PostgreSQL.user) -> String {
        "host=\(folder) port=\(port) dbname=\(database) user=\(user)"
    }

    /// The process id of the running server.
    package var pid: pid_t? { postmaster }

    /// Runs SQL as the superuser through psql, and answers its rows, unaligned, fields separated by `|`.
    @discardableResult
    package func query(_ sql: String, database: String = "postgres") async throws -> String {
        let output = "\(folder)/psql.\(UInt64.random(in: 0 ... .max))"
        defer { unlink(output) }
        let arguments = [
            "\(binaries)/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", localConninfo(database: database), "-c", sql,
        ]
        let status = try await Self.exit(of: try spawn(arguments, output: output), within: .seconds(30))
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        guard status == 0 else { throw PostgreSQLError(description: "psql: \(text)") }
        return text.trimmingCharacters(in: .newlines)
    }

    // MARK: life and death

    /// Starts the server and waits until it takes logins.
    ///
    /// - Parameter options: settings of this start, such as `max_connections: 10`; they win over postgresql.conf.
    package func start(_ options: [String: String] = [:]) async throws {
        try launch(options)
        try await waitUntilReady()
    }

    /// Starts the server without waiting for it.
    package func launch(_ options: [String: String] = [:]) throws {
        guard postmaster == nil else { throw PostgreSQLError(description: "the cluster is running") }
        var settings = [
            "fsync": "off", "listen_addresses": "127.0.0.1", "port": "\(port)", "unix_socket_directories": folder,
            "max_connections": "50", "shared_buffers": "4MB", "autovacuum": "off", "wal_level": "minimal",
            "max_wal_senders": "0", "max_parallel_workers": "0", "dynamic_shared_memory_type": "mmap",
        ]
        settings.merge(options) { $1 }
        let arguments = settings.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
        postmaster = try spawn(["\(binaries)/postgres", "-D", data] + arguments, output: "\(folder)/log")
    }

    /// Ends the server and waits until it is gone. A frozen one is thawed first.
    package func stop(_ mode: Stop = .fast) async throws {
        guard let postmaster else { return }
        kill(postmaster, SIGCONT)
        kill(postmaster, mode.rawValue)
        try await reap(postmaster)
    }

    /// SIGKILL: the crash of the server. Waits until its other processes are gone too.
    package func crash() async throws {
        guard let postmaster else { return }
        kill(postmaster, SIGKILL)
        try await reap(postmaster)
    }

    /// SIGSTOP of the postmaster alone: sessions go on, logins do not.
    package func freeze() {
        if let postmaster { kill(postmaster, SIGSTOP) }
    }

    /// SIGSTOP of all processes of the cluster: no client is answered.
    package func freezeAll() {
        for process in processes() { kill(process, SIGSTOP) }
    }

    /// SIGCONT of all processes of the cluster.
    package func thaw() {
        for process in processes() { kill(process, SIGCONT) }
    }

    /// Ends the server by force, if it runs, and removes the folder.
    package func destroy() async {
        thaw()
        do {
            try await stop(.immediate)
        } catch {
            try? await crash()
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// The processes that work in the data folder: the server and its children.
    package func processes() -> [pid_t] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { pid_t($0) }.filter {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0)/cwd")) == data
        }
    }

    private func reap(_ process: pid_t) async throws {
        _ = try await Self.exit(of: process, within: .seconds(30))
        postmaster = nil
        // The children of a killed postmaster notice its end by themselves.
        let deadline = Instant.now() + .seconds(180)
        while !processes().isEmpty {
            guard Instant.now() < deadline else { throw PostgreSQLError(description: "server processes stay behind") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Fills the data folder by a program of PostgreSQL.
    private func make(_ command: [String]) async throws {
        let log = "\(folder)/make.log"
        let arguments = ["\(binaries)/\(command[0])"] + command.dropFirst()
        let status = try await Self.exit(of: try spawn(arguments, output: log), within: .seconds(60))
        guard status == 0 else {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            throw PostgreSQLError(description: "\(command[0]): \(text)")
        }
    }

    /// postmaster.pid says `ready`, or `standby`, in its eighth line when connections are taken; a login would be
    /// counted as one of them.
    private func waitUntilReady() async throws {
        let deadline = Instant.now() + .seconds(180)
        while true {
            let file = (try? String(contentsOfFile: "\(data)/postmaster.pid", encoding: .utf8)) ?? ""
            let lines = file.split(separator: "\n", omittingEmptySubsequences: false)
            let state = lines.count > 7 && pid_t(lines[0]) == postmaster ? lines[7] : ""
            if state.hasPrefix("ready") || state.hasPrefix("standby") { return }
            var status: Int32 = 0
            let ended = postmaster.map { clinux_wait($0, 0, &status) == 0 } ?? true
            if ended { postmaster = nil }
            guard !ended, Instant.now() < deadline else {
                let text = (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? ""
                throw PostgreSQLError(description: "postgres does not start: \(text)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    // MARK: processes

    /// The account that the server runs as, where this process is root.
    private static var account: (uid: uid_t, gid: gid_t)? {
        guard getuid() == 0, let entry = getpwnam("postgres") else { return nil }
        return (entry.pointee.pw_uid, entry.pointee.pw_gid)
    }

    /// Starts a program, as account postgres where this process is root, with both outputs appended to `output`.
    private func spawn(_ command: [String], output: String) throws -> pid_t {
        // setpriv executes the program in its own process, so that the pid is the program's.
        let prefix = ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        let arguments = Self.account == nil ? command : prefix + command
        let input = try check("open") { open("/dev/null", O_RDONLY | O_CLOEXEC) }
        defer { close(input) }
        let log = try check("open", output) { open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644) }
        defer { close(log) }
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/bin:/bin"), strdup("LC_ALL=C"), nil]
        defer { for text in argv + environment { free(text) } }
        var process: pid_t = 0
        OpenDescriptors.stayHere()
        let error = clinux_spawn(&process, arguments[0], &argv, &environment, [input, log, log], 3)
        guard error == 0 else { throw SystemError("posix_spawn", arguments[0], code: error) }
        return process
    }

    private static func exit(of process: pid_t, within limit: Duration) async throws -> Int32 {
        let deadline = Instant.now() + limit
        var status: Int32 = 0
        while clinux_wait(process, 0, &status) < 0 {
            guard errno == EAGAIN else { throw SystemError("waitid") }
            guard Instant.now() < deadline else {
                throw PostgreSQLError(description: "process \(process) does not end")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        return status
    }

    static func findBinaries() throws -> String {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        guard let newest = versions.compactMap({ Int($0) }).max() else {
            throw PostgreSQLError(description: "no PostgreSQL under \(root)")
        }
        return "\(root)/\(newest)/bin"
    }

    /// A TCP port that is free now and lies below the range from which the kernel gives out ports (32768 on), so that
    /// it stays free while the cluster is down.
    package static func freePort() throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: 10_000..<32_000)
            let listener = try TCPSocket.make()
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if bound == 0 { return port }
        }
        throw PostgreSQLError(description: "no free port")
    }
}
