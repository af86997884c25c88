// What a test does to a tree, and asks of it.

import Foundation
import Shared
import SharedSystem

extension Tree {
    // MARK: users

    /// Makes a user's folder, complete before Steward can see it.
    package func addUser(_ name: String, _ text: String = "") throws {
        let draft = "\(folder)/draft-\(name)"
        try FileManager.default.createDirectory(atPath: draft, withIntermediateDirectories: false)
        try write(text, to: "\(draft)/user.yaml")
        try check("rename", draft) { rename(draft, "\(users)/\(name)") }
    }

    /// Writes a user.yaml in place of the old one, the way an editor does.
    package func modifyUser(_ name: String, _ text: String) throws {
        let draft = "\(users)/\(name)/.user.yaml.draft"
        try write(text, to: draft)
        try check("rename", draft) { rename(draft, "\(users)/\(name)/user.yaml") }
    }

    package func deleteUser(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(users)/\(name)")
    }

    // MARK: packages

    package var packages: String { "\(folder)/packages" }

    /// Publishes a version of the plain worker, which shows its version, its working folder and STEWARD_PACKAGE, and has
    /// these variables in its environment.
    package func publish(_ version: String, _ settings: String = "", environment: [String: String] = [:]) throws {
        let draft = "\(folder)/draft-\(version)"
        for folder in [draft, packages] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        let plain = Sources.path("Tests/Workers/plain.py")
        let program = """
            import os, runpy
            \(environment.map { "os.environ[\"\($0)\"] = \"\($1)\"" }.joined(separator: "; "))
            os.environ["SHOWN"] = " ".join(["\(version)", os.getcwd(), os.environ["STEWARD_PACKAGE"]])
            runpy.run_path("\(plain)", run_name="__main__")
            """
        try write(program, to: "\(draft)/app.py")
        try write("version: \(version)\n\(settings)", to: "\(draft)/package.yaml")
        try check("rename", draft) { rename(draft, "\(packages)/\(version)") }
    }

    /// Puts a version into force.
    package func setCurrent(_ version: String) throws {
        let draft = "\(packages)/.current"
        try check("symlink", draft) { symlink(version, draft) }
        try check("rename", draft) { rename(draft, "\(packages)/current") }
    }

    package func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    // MARK: steward

    /// Runs the real command.
    @discardableResult
    package func steward(_ arguments: String...) async throws -> CommandResult {
        try await CommandResult.of("\(binaries)/steward", ["--config", configuration] + arguments)
    }

    /// Starts the command and lets it run: `events --follow`.
    package func follow(_ arguments: String...) throws -> (child: Child, output: Scratch) {
        try start("steward", ["--config", configuration] + arguments)
    }

    /// Starts one of the programs by hand.
    package func start(_ program: String, _ arguments: [String]) throws -> (child: Child, output: Scratch) {
        let output = try Scratch()
        let child = try Child(
            "\(binaries)/\(program)", arguments,
            descriptors: [try Scratch.nothing(), output.descriptor, output.descriptor])
        return (child, output)
    }

    package func status() async throws -> StatusReport {
        let result = try await steward("status", "--json")
        guard result.status == 0 else {
            throw TreeError("steward status ended with \(result.status): \(result.errors)")
        }
        let report = try StatusReport(json: result.output)
        note(status: report.summary)
        remember(report.processes)
        return report
    }

    /// Waits until the status fulfils a condition, and answers that status.
    ///
    /// - Throws: `NotInTime`, or at once when master has ended.
    @discardableResult
    package func waitUntil(
        _ description: String, within limit: Duration = .seconds(180),
        _ condition: (StatusReport) throws -> Bool
    ) async throws -> StatusReport {
        try await eventually(description, within: limit, every: .milliseconds(60)) {
            if let ended = master?.exitStatus { throw TreeError("master ended with \(ended), awaited: \(description)") }
            // There is no answer before master listens.
            guard let report = try? await status() else { return nil }
            return try condition(report) ? report : nil
        }
    }

    /// Waits until these users are served by a ready process each.
    @discardableResult
    package func waitUntilReady(_ names: String...) async throws -> StatusReport {
        try await waitUntil("\(names.joined(separator: ", ")) ready") { report in
            names.allSatisfy { report.user($0)?.isReady == true }
        }
    }

    /// Waits until the user is served by another process than that one.
    @discardableResult
    package func waitUntilReplaced(_ name: String, _ pid: Int32?) async throws -> StatusReport {
        try await waitUntil("\(name) has a new process") { report in
            report.user(name).map { $0.isReady && $0.pid != pid } ?? false
        }
    }

    // MARK: requests

    /// The socket where nginx connects for a user.
    package func socket(of user: String) -> Target { .unix("\(runtime)/users/\(user).sock") }

    /// Asks a user's service: through nginx where there is one, else on the user's socket.
    package func get(_ user: String, _ path: String = "/") async -> Outcome {
        let target = (try? nginx.target) ?? socket(of: user)
        return await Request(target, host: "\(user).localhost", path: path).send()
    }

    /// The answer of a user's service as the plain worker gives it.
    package func answer(_ user: String, _ path: String = "/") async throws -> WorkerAnswer {
        try WorkerAnswer(await get(user, path))
    }

    /// A load on a user's service: through nginx where there is one, else on the user's socket.
    package func load(_ user: String, _ edit: (inout LoadPlan) -> Void = { _ in }) -> Load {
        var plan = LoadPlan(Request((try? nginx.target) ?? socket(of: user), host: "\(user).localhost"))
        edit(&plan)
        return Load(plan)
    }
}

/// What Tests/Workers/plain.py answers.
package struct WorkerAnswer: Codable, Sendable {
    package let user: String
    package let pid: Int32
    package let shown: String?
    /// Requests that were being answered, this one among them.
    package let busy: Int

    /// - Throws: `TreeError` where the outcome is anything but an answer with status 200.
    package init(_ outcome: Outcome) throws {
        guard case .answer(let answer) = outcome, answer.status == 200 else { throw TreeError("\(outcome)") }
        self = try JSONDecoder().decode(WorkerAnswer.self, from: Data(answer.body.utf8))
    }
}
