// What a change of a user's settings, or of the configuration, means for that user. Pure.

import Shared

/// What a user is to have: everything that settings and configuration decide about it.
struct Aim: Equatable, Sendable {
    /// Whether a worker is to run; one whose database is away for a while is.
    var isUp: Bool
    var plan: PlanIdentity
    var check: CheckSettings
}

extension Consequence {
    init(from old: Aim, to new: Aim) {
        self =
            switch (old.isUp, new.isUp) {
            case (true, false): .stop
            case (false, true): .start
            case (false, false): .nothing
            case (true, true): Self.whileUp(old, new)
            }
    }

    private static func whileUp(_ old: Aim, _ new: Aim) -> Consequence {
        if !old.plan.sharesDatabase(with: new.plan) { return .move }
        if old.plan != new.plan { return .swap }
        return old.check == new.check ? .nothing : .check
    }

    /// Whether the process that serves now ends.
    var endsProcess: Bool {
        switch self {
        case .nothing, .check, .start: false
        case .swap, .move, .stop: true
        }
    }
}

extension Supervisor {
    /// The one place that says what follows from settings and configuration: `reconcile` and `checkOrders` work towards
    /// the same.
    func aim(_ user: User) -> Aim {
        let isUp =
            switch wanted(user) {
            case .up, .down(.databaseUnavailable), .down(.databaseUnknown): true
            case .down(.held), .down(.disabled), .down(.noDatabase): false
            }
        var plan = plan(for: user).identity
        if let process = user.actual.processes.first, isLeftAlone(process, user) {
            plan.fingerprint = process.plan.fingerprint
        }
        return Aim(isUp: isUp, plan: plan, check: checkSettings(user))
    }

    /// Does for a user what a change means.
    mutating func carryOut(_ consequence: Consequence, _ user: inout User) {
        guard consequence != .nothing else { return reconcile(&user) }
        if consequence == .swap, isUnseen(user.version), case .ready = user.actual {
            // Nobody can tell that its process runs by another plan.
            user.swapRequest = "settings changed"
        }
        if checkSettings(user).isWanted { need(.dispatch) }
        retryWithNewSettings(&user)
        refreshCheck(user)
        reconcile(&user)
    }
}
