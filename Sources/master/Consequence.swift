// What a change of a user's settings, or of the configuration, means for that user. Pure.

import Shared

/// What a user is to have: everything that settings and configuration decide about it.
struct Aim: Equatable, Sendable {
    /// Whether a worker is to run; one whose database is away for a while is.
    var isUp: Bool
    var plan: PlanIdentity
    var check: CheckSettings
}

enum Consequence: String, CaseIterable, Sendable, CustomStringConvertible {
    case nothing
    /// The worker runs on; it is checked in another way.
    case check = "check settings"
    /// Another process takes over; no request is lost.
    case swap
    /// To another database: the old process has ended before the next one starts.
    case move
    case stop
    case start

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

    var description: String { rawValue }
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
        // Who is down for the moment will be checked when it is not.
        if checkSettings(user).isWanted { need(.dispatch) }
        guard consequence != .nothing else { return reconcile(&user) }
        if consequence == .swap, isUnseen(user.version), case .ready = user.actual {
            // Nobody can tell that its process runs by another plan.
            user.swapRequest = "settings changed"
        }
        retryWithNewSettings(&user)
        refreshCheck(user)
        reconcile(&user)
    }
}
