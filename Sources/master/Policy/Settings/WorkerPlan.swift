// How a worker is run: everything that a start is made of.

import Shared

/// How a worker is to be run.
package struct WorkerPlan: Equatable, Sendable {
    package var command: [String] = []
    package var folder = ""
    package var env: [String: String] = [:]
    /// Name of the database, where there is one.
    var database: String?
    /// Where that lies (`ConnectionInfo.place`).
    package var place: UInt64 = 0
    /// Of the application, where it is delivered in packages.
    package var version: String?
    package var limits = LimitSettings()
    package var runAs: String?
    /// See `UserSettings.start`.
    var start: UInt64 = 0
}

extension WorkerPlan {
    package var identity: PlanIdentity {
        var hash = Fingerprint()
        for word in command { hash.add(word) }
        hash.add(folder)
        for (name, value) in env.sorted(by: { $0.key < $1.key }) {
            hash.add(name)
            hash.add(value)
        }
        // Memory is no part of a start: a worker has its new limit at once.
        hash.add("\(limits.files) \(limits.core) \(limits.nice) \(runAs ?? "-") \(start)")
        if let version { hash.add(version) }
        return PlanIdentity(fingerprint: hash.value, database: database, place: place)
    }
}

/// What of the configuration goes into a plan.
struct PlanSettings: Equatable, Sendable {
    let command: [String]
    let env: [String: String]
    /// Without that of memory, which is no part of a plan.
    let limits: LimitSettings
    let runAs: String?

    init(_ configuration: Configuration) {
        (command, env) = (configuration.worker.command, configuration.worker.env)
        var limits = configuration.worker.limits
        limits.memory = LimitSettings.unlimited
        self.limits = limits
        runAs = configuration.runAs
    }
}

/// What is kept of a plan once a process runs by it: two equal ones need no restart. It means the same to the next
/// master, which finds the process and not its plan.
package struct PlanIdentity: Equatable, Sendable {
    package var fingerprint: UInt64 = 0
    var database: String?
    /// The same name may come to lead to another database.
    var place: UInt64 = 0

    /// Whether two processes with these plans write to one database.
    func sharesDatabase(with other: PlanIdentity) -> Bool {
        database == other.database && place == other.place
    }
}
