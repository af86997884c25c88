// What a change of a user's settings, or of the configuration, means for that user. Pure.

import Shared

/// How far apart two aims of a user are.
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

    /// What of an aim a change is judged by.
    struct Outline: Equatable {
        var keepsWorker: Bool
        var plan: PlanIdentity
        var check: CheckSettings
    }

    init(from old: Outline, to new: Outline) {
        self =
            switch (old.keepsWorker, new.keepsWorker) {
            case (true, false): .stop
            case (false, true): .start
            case (false, false): .nothing
            case (true, true): Self.whileUp(old, new)
            }
    }

    private static func whileUp(_ old: Outline, _ new: Outline) -> Consequence {
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

extension Aim {
    /// - Parameter user: whose process may be left alone as it is.
    mutating func outline(for user: User) -> Consequence.Outline {
        var plan = identity
        if let process = user.actual.first, user.isLeftAlone(process) { plan.fingerprint = process.plan.fingerprint }
        return Consequence.Outline(keepsWorker: wanted.keepsWorker, plan: plan, check: check)
    }
}
