// A PostgreSQL server in a container: on 127.0.0.1 and on a Unix socket of the container.

import Foundation
import Shared
import SharedSystem

extension Container {
    /// Starts a server as a unit of its own, and waits until it takes logins. It ends with the container.
    ///
    /// - Returns: a conninfo over TCP, and one over its Unix socket.
    package func startPostgreSQL() async throws -> (tcp: String, local: String) {
        let binaries = try PostgreSQL.findBinaries()
        let folder = "/var/lib/test-postgres"
        try await run("install", "-d", "-o", "postgres", "-m", "755", folder)
        try await run(
            "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "\(binaries)/initdb", "-D",
            "\(folder)/data", "-U", PostgreSQL.user, "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8",
            "--no-instructions")
        try await run(
            "systemd-run", "--unit=test-postgres", "--collect", "--uid=postgres", "\(binaries)/postgres", "-D",
            "\(folder)/data", "-k", folder, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
        try await eventually("PostgreSQL takes logins") {
            try await attempt(["\(binaries)/pg_isready", "-q", "-h", folder]).status == 0
        }
        let login = "port=5432 dbname=postgres user=\(PostgreSQL.user)"
        return ("host=127.0.0.1 \(login)", "host=\(folder) \(login)")
    }
}
