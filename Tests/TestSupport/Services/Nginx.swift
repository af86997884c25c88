// A private nginx before a tree: the shipped configuration on a port of its own.

import Foundation
import Shared
import SharedSystem

package final class Nginx: Sendable {
    package let port: Int
    private let child: Child

    /// Starts it and waits until it listens.
    init(folder: String, runtime: String) async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        port = try PostgreSQL.freePort()
        try Self.write("\(folder)/steward.conf", try Self.shipped(listen: "127.0.0.1:\(port)", runtime))
        try Self.write("\(folder)/nginx.conf", Self.main(folder))
        let log = Descriptor(
            owning: try check("open") { open("\(folder)/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644) })
        child = try Child(
            "/usr/sbin/nginx", ["-c", "\(folder)/nginx.conf", "-p", folder, "-e", "\(folder)/log"],
            descriptors: [try Scratch.nothing(), log, log])
        try await waitUntilItListens(log: "\(folder)/log")
    }

    package var target: Target { .tcp(port) }

    /// Until it has ended it writes into its folder.
    func stop() async {
        child.signal(SIGTERM)
        _ = try? await child.exit()
    }

    private func waitUntilItListens(log: String) async throws {
        try await eventually("nginx listens") {
            if let status = child.exitStatus {
                let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                throw TreeError("nginx ended with \(status): \(text)")
            }
            // A name outside of the domain is answered by nginx itself.
            return await Request(target, host: "nobody").send().status == 404
        }
    }

    /// The shipped configuration.
    static func shipped(listen: String, _ runtime: String) throws -> String {
        var text = try String(contentsOfFile: Sources.path("deploy/nginx/steward.conf"), encoding: .utf8)
        let values = ["@LISTEN@": listen, "@DOMAIN@": "localhost", "@RUNTIME@": runtime]
        for (placeholder, value) in values { text = text.replacingOccurrences(of: placeholder, with: value) }
        return text
    }

    /// One process that is ended by its pid; as root it stays root and reaches every socket.
    private static func main(_ folder: String) -> String {
        """
        daemon off;
        master_process off;
        pid \(folder)/pid;
        events { worker_connections 1024; }
        http {
            access_log off;
            client_body_temp_path \(folder)/body;
            proxy_temp_path \(folder)/proxy;
            fastcgi_temp_path \(folder)/fastcgi;
            uwsgi_temp_path \(folder)/uwsgi;
            scgi_temp_path \(folder)/scgi;
            include \(folder)/steward.conf;
        }

        """
    }

    private static func write(_ path: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }
}
