// What a user is to have: everything that settings, configuration, database and version decide about it.
//
// The Supervisor computes one for a user that takes a step; `User` compares it with what is there. A worker's plan is
// built at most once for it, and only where it is asked for.

import Shared

/// What should be there.
enum Wanted: Equatable, Sendable {
    case up
    case down(DownReason)

    /// Whether customers are sent to the user's worker; before the first word about its database they are, too.
    var isServed: Bool {
        switch self {
        case .up, .down(.databaseUnknown): true
        case .down(.databaseUnavailable), .down(.noDatabase), .down(.held), .down(.disabled): false
        }
    }

    /// Whether a worker is to run; one whose database is away for a while is.
    var keepsWorker: Bool {
        switch self {
        case .up, .down(.databaseUnavailable), .down(.databaseUnknown): true
        case .down(.noDatabase), .down(.held), .down(.disabled): false
        }
    }
}

enum DownReason: Equatable, Sendable {
    case held(String)
    case disabled
    /// Its worker goes on running: only its customers are answered by the stand-in.
    case databaseUnavailable(String)
    /// No word about the database has come yet.
    case databaseUnknown(String)
    /// The database that it names is configured no more.
    case noDatabase(String)
}

/// What holds for every worker.
struct WorkerRules: Equatable, Sendable {
    let runtime: String
    let readyTimeout: Duration
    let stopTimeout: Duration
    let heartbeat: Duration
    let swap: SwapMode
    let restart: RestartSettings
    /// How long a new process on trial has to run.
    let soak: Duration

    init(_ configuration: Configuration) {
        runtime = configuration.runtime
        readyTimeout = configuration.worker.readyTimeout
        stopTimeout = configuration.worker.stopTimeout
        heartbeat = configuration.worker.heartbeat
        swap = configuration.worker.swap
        restart = configuration.worker.restart
        soak = configuration.upgrade.soak
    }
}

struct Aim: Sendable {
    let wanted: Wanted
    let rules: WorkerRules
    let limits: LimitSettings
    /// What is known of the database; without one it is fine.
    let condition: DatabaseCondition
    /// Whether the database is unavailable on which its present process works.
    let isPresentLost: Bool
    /// Whether there is a version with which a process can be started, where one is needed.
    let hasVersion: Bool
    /// Whether the version has gone before this master could see it: how it is to be run is not known any more.
    let isVersionUnseen: Bool
    /// What the rollout brings for which a new process has to prove itself; nil: it has not to.
    var trial: Rollout.Target?
    /// Whether so many users wait for a start that they are told of by their number.
    let isCrowded: Bool
    /// Whether the user's folder is gone: what lies in it cannot run, everything else can.
    let isFolderGone: Bool
    /// Whether master ends.
    let isEnding: Bool

    /// For a process of the version that the user is to run.
    let check: CheckSettings
    /// For processes of other versions.
    let otherChecks: [(version: String?, check: CheckSettings)]
    let recipe: PlanRecipe
    private var built: (plan: WorkerPlan, identity: PlanIdentity)?

    init(
        wanted: Wanted, rules: WorkerRules, limits: LimitSettings, condition: DatabaseCondition, isPresentLost: Bool,
        hasVersion: Bool, isVersionUnseen: Bool, trial: Rollout.Target?, isCrowded: Bool, isFolderGone: Bool,
        isEnding: Bool, check: CheckSettings, otherChecks: [(version: String?, check: CheckSettings)],
        recipe: PlanRecipe
    ) {
        (self.wanted, self.rules, self.limits, self.condition) = (wanted, rules, limits, condition)
        (self.isPresentLost, self.hasVersion, self.isVersionUnseen) = (isPresentLost, hasVersion, isVersionUnseen)
        (self.trial, self.isCrowded, self.isFolderGone, self.isEnding) = (trial, isCrowded, isFolderGone, isEnding)
        (self.check, self.otherChecks, self.recipe) = (check, otherChecks, recipe)
    }

    /// How the next process is run.
    var plan: WorkerPlan {
        mutating get { build().plan }
    }

    var identity: PlanIdentity {
        mutating get { build().identity }
    }

    private mutating func build() -> (plan: WorkerPlan, identity: PlanIdentity) {
        if let built { return built }
        let plan = recipe.plan
        let new = (plan, plan.identity)
        built = new
        return new
    }

    /// How this process is checked.
    func check(of process: Process) -> CheckSettings {
        process.version == recipe.version ? check : otherChecks.first { $0.version == process.version }?.check ?? check
    }

    /// Whether the process works on the user's database; the same name may have come to lead elsewhere.
    func isAtHome(_ process: Process) -> Bool {
        process.plan.database == recipe.database && process.plan.place == recipe.place
    }

    var crowdWeight: Happening.Weight { isCrowded ? .crowd : .routine }
}
