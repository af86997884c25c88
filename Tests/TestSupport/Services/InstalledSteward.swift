// Steward as `make install` leaves it, run by the systemd of a container: real unit, real account, real sandbox.

import Foundation
import Shared
import SharedSystem

/// One at a time in a container. Started and ended by `with`.
package struct InstalledSteward: Sendable {
    /// What it is made of.
    package struct Plan: Sendable {
        /// Names, and the text of each user.yaml.
        package var users: [String: String] = [:]
        /// Settings as `worker.check.interval`, over the ones of the harness.
        package var settings: [String: String] = [:]
        /// A drop-in for the unit.
        package var dropIn: String?
        /// Whether nginx stands before it, under its own account.
        package var nginx = false

        package init() {}
    }

    package static let runtime = "/run/steward"
    package static let configuration = "/etc/steward/steward.yaml"
    package static let users = "/srv/steward/users"
    /// Where the project's application and workers for tests lie in the container.
    package static let project = "/srv/steward/project"
    private static let dropIn = "/etc/systemd/system/steward.service.d/test.conf"

    package let container: Container
    private let hasNginx: Bool
    /// Wall clock milliseconds: what is older in the journal is of an earlier one.
    private let madeAt = wallClock()

    // MARK: life

    /// Installs Steward: programs, unit, account, folders, sample configuration.
    package static func install(into container: Container) async throws {
        let settings = ["bin=\(try Executables.folder())", "DESTDIR=\(container.root)", "PREFIX=/usr"]
        let made = try await CommandResult.of("/usr/bin/make", ["-C", Sources.path(""), "install"] + settings)
        guard made.status == 0 else { throw TreeError("make install: \(made.errors)") }
        for folder in ["deploy/app", "Tests/Workers"] {
            let target = "\(container.root)\(project)/\(folder)"
            let copied = try await CommandResult.of(
                "/bin/sh", ["-c", "mkdir -p \(target) && cp -r '\(Sources.path(folder))'/. \(target)"])
            guard copied.status == 0 else { throw TreeError(copied.errors) }
        }
        try await container.run("systemd-sysusers")
        try await container.run("systemd-tmpfiles", "--create", "steward.conf")
        try await container.run("systemctl", "daemon-reload")
    }

    /// Runs `body` on a started service, then stops it and checks that nothing is left behind.
    ///
    /// - Throws: what `body` throws, with the end of the journal; else what was left behind.
    package static func with(
        _ container: Container, _ edit: (inout Plan) -> Void, _ body: (InstalledSteward) async throws -> Void
    ) async throws {
        var plan = Plan()
        edit(&plan)
        let steward = InstalledSteward(container: container, hasNginx: plan.nginx)
        do {
            try await steward.prepare(plan)
            try await container.run("systemctl", "start", "steward")
            try await body(steward)
            try await container.run("systemctl", "stop", "steward")
            try await steward.expectNothingLeft()
            try await steward.stopNginx()
        } catch {
            let details = await steward.details()
            await steward.clear()
            throw TreeError("\(error)\n\(details)")
        }
    }

    private func prepare(_ plan: Plan) async throws {
        try await container.run(
            "sh", "-c", "rm -rf \(Self.users)/* /var/lib/steward /var/log/steward \(Self.dropIn)")
        try writeConfiguration(plan.settings)
        for (name, text) in plan.users { try addUser(name, text) }
        if let text = plan.dropIn { try container.write(text, to: Self.dropIn) }
        try await container.run("systemctl", "daemon-reload")
        if plan.nginx { try await startNginx() }
    }

    /// Writes steward.yaml: the settings of the harness, and over them these.
    package func writeConfiguration(_ settings: [String: String]) throws {
        var outline = Outline([
            "users": Self.users, "runtime": Self.runtime, "state": "/var/lib/steward", "logs": "/var/log/steward",
            "socket": "{group: www-data}",
            "worker.command": "[/usr/bin/python3, \(Self.project)/Tests/Workers/plain.py]",
            "worker.ready_timeout": "20s", "worker.stop_timeout": "5s",
            "worker.check": "{path: /healthz, interval: 500ms, timeout: 1s, fall: 3, rise: 1}",
        ])
        outline.set(settings)
        try container.write(outline.yaml, to: Self.configuration)
    }

    /// Ends by force whatever is left of a failed test.
    private func clear() async {
        try? await stopNginx()
        _ = try? await container.attempt(["systemctl", "stop", "--no-block", "steward"])
        _ = try? await container.attempt(["systemctl", "kill", "--kill-whom=all", "--signal=KILL", "steward"])
        try? await eventually("it is gone", within: .seconds(30)) { try await processes().isEmpty }
    }

    /// The end of the journal, for the message of a failed test.
    private func details() async -> String {
        let state = try? await container.attempt(["systemctl", "status", "--no-pager", "--lines=0", "steward"])
        return "--- systemctl status\n\(state?.output ?? "")\n--- journal\n\((try? await journal()) ?? "")"
    }

    /// The last lines of its journal.
    package func journal() async throws -> String {
        let since = "--since=@\(Double(madeAt) / 1000)"
        return try await container.run("journalctl", "--no-pager", "-u", "steward", since, "-n", "80", "-o", "cat")
    }

    // MARK: what is seen of it

    package func status() async throws -> StatusReport {
        try StatusReport(json: try await container.run("steward", "status", "--json"))
    }

    /// Waits until the status fulfils a condition, and answers that status.
    @discardableResult
    package func waitUntil(
        _ description: String, within limit: Duration = .seconds(180), _ condition: (StatusReport) throws -> Bool
    ) async throws -> StatusReport {
        try await eventually(description, within: limit, every: .milliseconds(60)) {
            // There is no answer before master listens.
            guard let report = try? await status() else { return nil }
            return try condition(report) ? report : nil
        }
    }

    /// Waits until these users are served by a ready process each.
    @discardableResult
    package func waitUntilReady(_ names: [String]) async throws -> StatusReport {
        try await waitUntil("\(names.joined(separator: ", ")) ready") { report in
            names.allSatisfy { report.user($0)?.isReady == true }
        }
    }

    /// A property of the unit, as `systemctl show` knows it.
    package func property(_ name: String) async throws -> String {
        try await container.run("systemctl", "show", "--value", "-p", name, "steward")
            .trimmingCharacters(in: .newlines)
    }

    /// Master's process id in the container; 0 where none runs.
    package func mainPID() async throws -> Int32 {
        Int32(try await property("MainPID")) ?? 0
    }

    /// The processes of the unit by their ids in the container, with their command lines.
    package func processes() async throws -> [Int32: String] {
        let folder = "/sys/fs/cgroup/system.slice/steward.service"
        let list = try await container.attempt(["cat", "\(folder)/cgroup.procs"]).output
        let pids = list.split(separator: "\n").compactMap { Int32($0) }
        // One that moves at that moment may be listed twice (cgroups(7)).
        return Dictionary(pids.map { ($0, command($0)) }) { first, _ in first }
    }

    /// Whether the processes of the unit are these, and no others.
    package func consists(of named: some Sequence<Int32>, except ignored: (Int32) -> Bool = { _ in false }) async throws
        -> Bool
    {
        try await Set(processes().keys.filter { !ignored($0) }) == Set(named)
    }

    private func command(_ pid: Int32) -> String {
        (container.read("/proc/\(pid)/cmdline") ?? "").replacing("\0", with: " ")
    }

    /// The account that a process of the container runs as.
    package func account(of pid: Int32) async throws -> String {
        try await container.run("stat", "--format=%U", "/proc/\(pid)").trimmingCharacters(in: .newlines)
    }

    /// No process of the unit is alive, and no socket of it is there.
    package func expectNothingLeft() async throws {
        let alive = try await processes()
        let sockets = try await container.run("find", "/run", "-path", "\(Self.runtime)/*")
        guard alive.isEmpty, sockets.isEmpty else { throw TreeError("left behind: \(alive) \(sockets)") }
    }

    // MARK: what is done to it

    /// Makes a user's folder, complete before Steward can see it.
    package func addUser(_ name: String, _ text: String = "") throws {
        let draft = "/srv/steward/draft-\(name)"
        try container.write(text, to: "\(draft)/user.yaml")
        try check("rename", draft) { rename(container.root + draft, "\(container.root)\(Self.users)/\(name)") }
    }

    package func signal(_ name: String, _ pid: Int32) async throws {
        try await container.run("kill", "-s", name, "\(pid)")
    }

    // MARK: requests

    private static let web = "/run/test-web.sock"

    /// Where a user's service answers: nginx where there is one, else the user's socket.
    package func request(_ user: String, _ path: String = "/") -> Request {
        let target = hasNginx ? container.socket(Self.web) : container.socket("\(Self.runtime)/users/\(user).sock")
        return Request(target, host: "\(user).localhost", path: path)
    }

    /// A load on a user's service.
    package func load(_ user: String, _ edit: (inout LoadPlan) -> Void = { _ in }) -> Load {
        var plan = LoadPlan(request(user))
        edit(&plan)
        return Load(plan)
    }

    private func startNginx() async throws {
        let main = """
            user www-data;
            worker_processes 1;
            pid /run/test-nginx.pid;
            events { worker_connections 4096; }
            http {
                access_log off;
                include /etc/test-nginx/steward.conf;
            }
            """
        try container.write(main, to: "/etc/test-nginx/nginx.conf")
        try container.write(
            try Nginx.shipped(listen: "unix:\(Self.web)", Self.runtime), to: "/etc/test-nginx/steward.conf")
        try await container.run(
            "systemd-run", "--unit=test-nginx", "--collect", "/usr/sbin/nginx", "-c", "/etc/test-nginx/nginx.conf",
            "-g", "daemon off;")
        // A name outside of the domain is answered by nginx itself.
        try await eventually("nginx listens") {
            await Request(container.socket(Self.web), host: "nobody").send().status == 404
        }
    }

    private func stopNginx() async throws {
        guard hasNginx else { return }
        try await container.run("systemctl", "stop", "test-nginx")
        try await container.run("rm", "-f", Self.web)
    }
}
