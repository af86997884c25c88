// What a worker's plan is made of: a pure function of configuration, settings, version and database.

import Shared

/// Where a listening socket of a user lies.
package func socketPath(_ socket: SocketID, runtime: String) -> String {
    "\(runtime)/sockets/\(socket)"
}

struct PlanRecipe: Sendable {
    let settings: UserSettings
    /// What the configuration says of all workers.
    let general: PlanSettings
    let limits: LimitSettings
    /// The version that the user is to run, and its manifest where that is known.
    let version: String?
    let package: PackageManifest?
    let database: String?
    /// Where that lies (`ConnectionInfo.place`).
    let place: UInt64
    /// What a worker is told of the database.
    let databaseEnvironment: [String: String]
    let runtime: String

    var plan: WorkerPlan {
        var plan = WorkerPlan()
        plan.folder = package?.folder ?? settings.folder
        plan.version = package?.version
        plan.limits = limits
        plan.runAs = settings.runAs ?? general.runAs
        plan.start = settings.start
        plan.database = database
        plan.place = place
        plan.command =
            settings.start != 0
            ? ["\(settings.folder)/start"]
            : (settings.command ?? package?.command ?? general.command).map(expand)
        plan.env = environment
        return plan
    }

    private func expand(_ word: String) -> String {
        let brace = UInt8(ascii: "{")
        guard word.utf8.contains(brace) else { return word }
        var (result, rest) = ("", Substring(word))
        while let start = rest.utf8.firstIndex(of: brace) {
            result += rest[..<start]
            rest = rest[start...]
            let (mark, text) = marks.first { rest.utf8.starts(with: $0.mark.utf8) } ?? ("{", "{")
            result += text
            rest = rest[rest.utf8.index(rest.startIndex, offsetBy: mark.utf8.count)...]
        }
        return result + rest
    }

    private var marks: [(mark: String, text: String)] {
        let names = [("{user}", settings.name.text), ("{folder}", settings.folder)]
        return package.map { names + [("{package}", $0.folder)] } ?? names
    }

    /// A clean environment: nothing of master's own reaches a worker.
    private var environment: [String: String] {
        var env: [String: String] = [:]
        env.reserveCapacity(general.env.count + settings.env.count + databaseEnvironment.count + 9)
        env.merge(general.env) { _, own in own }
        env.merge(settings.env) { _, own in own }
        env["PATH"] = env["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        env["LANG"] = env["LANG"] ?? "C.UTF-8"
        env["STEWARD_USER"] = settings.name.text
        env["STEWARD_RUNTIME"] = runtime
        env["NOTIFY_SOCKET"] = "\(runtime)/notify"
        env["LISTEN_FDS"] = "1"
        env["LISTEN_FDNAMES"] = "http"
        if let database {
            env["STEWARD_DATABASE"] = database
            env.merge(databaseEnvironment) { own, _ in own }
        }
        env["STEWARD_PACKAGE"] = package?.folder
        return env
    }
}
