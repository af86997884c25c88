// A Steward tree of a test's own: real master, real watchers, chosen users and settings, in a folder of its own.
//
// It is started by `with`, which also ends it and checks that nothing is left behind. STEWARD_KEEP_TREES=1 keeps the
// folders, with master's log, for a look at a failure.

import Foundation
import Shared
import SharedSystem
import Synchronization

package struct TreeError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

package final class Tree: Sendable {
    /// What a tree is made of.
    package struct Plan: Sendable {
        /// Names, and the text of each user.yaml.
        package var users: [String: String] = [:]
        /// Settings as `worker.check.interval`, over the ones of the harness.
        package var settings: [String: String] = [:]
        /// Executables that are replaced by scripts: the text of each.
        package var replacements: [String: String] = [:]
        /// Master's environment, beside what every program gets.
        package var environment: [String: String] = [:]
        /// Whether nginx stands before it.
        package var nginx = false

        package init() {}
    }

    /// Short, for the addresses of Unix sockets.
    package let folder: String
    /// Where the executables lie.
    package let binaries: String
    package let runtime: String
    private let environment: [String: String]
    private let nginxServer: Nginx?
    private let state = Mutex(State())

    private struct State {
        var master: Child?
        /// Every process of this tree that was ever seen.
        var seen: Set<ProcessIdentity> = []
        var lastStatus = "no status yet"
    }

    package var configuration: String { "\(folder)/steward.yaml" }
    package var users: String { "\(folder)/users" }
    package var log: String { "\(folder)/master.log" }

    // MARK: life

    /// Runs `body` on a tree whose master answers, then stops it and checks that nothing is left behind.
    ///
    /// - Throws: what `body` throws, with the end of master's log; else what was left behind.
    package static func with(_ edit: (inout Plan) -> Void, _ body: (Tree) async throws -> Void) async throws {
        var plan = Plan()
        edit(&plan)
        await Places.trees.occupy()
        do {
            try await run(plan, body)
            await Places.trees.vacate()
        } catch {
            await Places.trees.vacate()
            throw error
        }
    }

    /// Runs `body` on a tree of plain workers with these users.
    package static func with(users: String..., body: (Tree) async throws -> Void) async throws {
        try await with({ $0.users = Dictionary(uniqueKeysWithValues: users.map { ($0, "") }) }, body)
    }

    private static func run(_ plan: Plan, _ body: (Tree) async throws -> Void) async throws {
        let tree = try await Tree(plan)
        do {
            try tree.start()
            try await tree.waitUntil("master answers") { _ in true }
            try await body(tree)
            if tree.isRunning { try await tree.stop() }
        } catch {
            tree.remember()
            await tree.kill()
            let details = tree.details
            await tree.remove()
            throw TreeError("\(error)\n\(details)")
        }
        await tree.remove()
    }

    private init(_ plan: Plan) async throws {
        folder = try OwnedFolder.make("st-")
        binaries = plan.replacements.isEmpty ? try Executables.folder() : "\(folder)/bin"
        runtime = plan.settings["runtime"] ?? "\(folder)/run"
        environment = plan.environment.merging(["STEWARD_TREE": folder]) { $1 }
        nginxServer = plan.nginx ? try await Nginx(folder: "\(folder)/nginx", runtime: "\(folder)/run") : nil
        try FileManager.default.createDirectory(atPath: users, withIntermediateDirectories: false)
        if !plan.replacements.isEmpty { try await Executables.copy(to: binaries, replacing: plan.replacements) }
        try writeConfiguration(plan.settings)
        for (name, text) in plan.users { try addUser(name, text) }
    }

    /// Writes steward.yaml: the settings of the harness, and over them these.
    package func writeConfiguration(_ settings: [String: String]) throws {
        var outline = Outline([
            "users": "./users", "runtime": "./run", "state": "./state", "logs": "./logs",
            "worker.command": "[/usr/bin/python3, \(Sources.path("Tests/Workers/plain.py"))]",
            "worker.ready_timeout": "20s", "worker.stop_timeout": "5s",
            "worker.check": "{path: /healthz, interval: 500ms, timeout: 1s, fall: 3, rise: 1}",
        ])
        outline.set(settings)
        try write(outline.yaml, to: configuration)
    }

    package func start() throws {
        let output = Descriptor(
            owning: try check("open", log) { open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644) })
        let master = try Child(
            "\(binaries)/master", ["--config", configuration], environment: environment,
            descriptors: [try Scratch.nothing(), output, output])
        state.withLock { $0.master = master }
    }

    /// Ends master by SIGKILL, and no other process; then starts another one, after what is done meanwhile.
    package func replaceMaster(_ meanwhile: () async throws -> Void = {}) async throws {
        remember()
        guard let master else { throw TreeError("master was not started") }
        master.signal(SIGKILL)
        _ = try await master.exit()
        try await meanwhile()
        try start()
        try await waitUntil("the next master answers") { _ in true }
    }

    package var master: Child? { state.withLock { $0.master } }
    package var isRunning: Bool { master.map { $0.exitStatus == nil } ?? false }

    /// Stops the tree as `systemctl stop` does and checks that nothing is left behind.
    package func stop(within limit: Duration = .seconds(180)) async throws {
        remember()
        guard let master else { throw TreeError("master was not started") }
        master.signal(SIGTERM)
        let status = try await master.exit(within: limit)
        guard status == 0 else { throw TreeError("master ended with \(status)") }
        try expectNothingLeft()
    }

    // MARK: what is seen of it

    /// Keeps in mind which processes run now, for the check at the end.
    func remember(_ pids: [Int32] = []) {
        let named =
            pids.compactMap { ProcessIdentity($0) } + [master.flatMap { ProcessIdentity($0.pid) }].compactMap { $0 }
        let found = processes()
        state.withLock { $0.seen.formUnion(named + found) }
    }

    /// Workers and what they started, and what master started with its own environment.
    package func processes() -> [ProcessIdentity] {
        ProcessTable.withEnvironment(["STEWARD_RUNTIME": runtime])
            + ProcessTable.withEnvironment(["STEWARD_TREE": folder])
    }

    func note(status: String) {
        state.withLock { $0.lastStatus = status }
    }

    var seen: Set<ProcessIdentity> { state.withLock { $0.seen } }

    /// The last status and the end of master's log, for the message of a failed test.
    package var details: String {
        let status = state.withLock { $0.lastStatus }
        let lines = ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "no log").split(separator: "\n")
        return "--- \(folder), last status:\n\(status)\n--- master's log:\n\(lines.suffix(60).joined(separator: "\n"))"
    }

    package var nginx: Nginx {
        get throws {
            guard let nginxServer else { throw TreeError("this tree has no nginx") }
            return nginxServer
        }
    }

    // MARK: its end

    private func kill() async {
        if let master {
            master.signal(SIGKILL)
            _ = try? await master.exit()
        }
        // Twice: a process may have started another one while the first round was on its way.
        for process in Array(seen) + processes() + processes() where process.isAlive {
            Glibc.kill(process.pid, SIGKILL)
        }
    }

    private func remove() async {
        await nginxServer?.stop()
        guard getenv("STEWARD_KEEP_TREES") == nil else { return OwnedFolder.release(folder) }
        try? FileManager.default.removeItem(atPath: folder)
    }
}
