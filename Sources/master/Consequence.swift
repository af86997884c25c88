// What a change of a user's settings, or of the configuration, means for that user. Pure.

import Shared

/// What a user is to have: everything that settings and configuration decide about it.
struct Aim: Equatable, Sendable {
    /// Whether a worker is to run; one whose database is away for a while is.
    var isUp: Bool
    var plan: PlanIdentity
    /// Where its database is found: the same name may come to lead elsewhere.
    var place: [String: String]
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
        if old.plan.database != new.plan.database || old.place != new.place { return .move }
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
        let conninfo = user.database.flatMap { databases[$0]?.settings.conninfo }
        return Aim(
            isUp: isUp, plan: plan(for: user).identity, place: conninfo.map { ConnectionInfo($0).place } ?? [:],
            check: checkSettings(user))
    }

    /// Does for a user what a change means.
    mutating func carryOut(_ consequence: Consequence, _ user: inout User) {
        switch consequence {
        case .nothing:
            return
        case .move:
            for process in user.processes { arrived(process) }
            user.displace()
        case .swap:
            // Nobody can tell that its process runs by another plan.
            if case .ready = user.actual, isUnseen(user.version) { user.swapRequest = "settings changed" }
        case .check, .stop, .start:
            break
        }
        if checkSettings(user).isWanted { need(.dispatch) }
        retryWithNewSettings(&user)
        refreshCheck(user)
        reconcile(&user)
    }
}

extension User {
    /// Its database has come to lie elsewhere under the same name: where its processes work has no name any more, so that
    /// they are not taken for neighbours of the next one.
    fileprivate mutating func displace() {
        let database = database
        func displaced(_ process: Process) -> Process {
            var process = process
            if process.plan.database == database { process.plan.database = nil }
            return process
        }
        departing = departing.mapValues { Departure(process: displaced($0.process), phase: $0.phase) }
        switch actual {
        case .absent, .queued, .waiting: break
        case .starting(let process): actual = .starting(displaced(process))
        case .ready(let process): actual = .ready(displaced(process))
        case .swapping(let old, let new): actual = .swapping(old: displaced(old), new: displaced(new))
        case .stopping(let departure):
            actual = .stopping(Departure(process: displaced(departure.process), phase: departure.phase))
        }
    }
}
