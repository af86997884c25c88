// Why a user is as it is, for `steward why`.

import Shared

extension Supervisor {
    /// What is known of a user; nil where that is nothing.
    package func explanation(_ name: UserName, _ clock: WallClock) -> ControlAnswer? {
        let deletion = deletions.held[name].map { PendingDeletion(name, since: clock($0.since), why: $0.why) }
        guard let user = users[name], !user.isDeleted else {
            if let fault = deletions.faults[name] { return .fault(UserFault(name: name, text: fault)) }
            return deletion.map { .pendingDeletion($0) }
        }
        var explanation = UserExplanation()
        explanation.status = status(user, clock)
        (explanation.wanted, explanation.wantedReason) = explain(wanted(user))
        explanation.version = versionDetails(user)
        explanation.process = user.actual.first.map { details($0, user, clock) }
        explanation.answerer = user.face.map { $0.standIn == nil ? .worker : .standIn } ?? .nobody
        explanation.socket = user.face?.socket
        explanation.deletion = deletion
        explanation.fault = user.fault?.clipped()
        explanation.swapFailure = user.swapFailure?.clipped()
        explanation.lastFailure = user.lastFailure?.clipped()
        return .explanation(explanation)
    }

    private func explain(_ wanted: Wanted) -> (WantedState, String?) {
        switch wanted {
        case .up: (.up, nil)
        case .down(.held(let reason)): (.held, reason.clipped())
        case .down(.disabled): (.disabled, nil)
        case .down(.databaseUnavailable(let why)): (.databaseUnavailable, why.clipped())
        case .down(.databaseUnknown(let why)): (.databaseUnknown, why.clipped())
        case .down(.noDatabase(let why)): (.noDatabase, why.clipped())
        }
    }

    private func details(_ process: Process, _ user: User, _ clock: WallClock) -> ProcessDetails {
        let limit = limits(user).memory
        var details = ProcessDetails()
        details.startedAt = clock(process.startedAt)
        details.memory = process.memory
        details.memoryLimit = limit == LimitSettings.unlimited ? nil : limit
        details.lastHeartbeat = process.pulse.last.map { clock($0) }
        details.ownStatus = process.ownStatus?.clipped()
        return details
    }

    /// Nil where no packages are configured.
    private func versionDetails(_ user: User) -> VersionDetails? {
        guard configuration.packages != nil else { return nil }
        var details = VersionDetails()
        details.version = user.version
        details.trouble = user.versionTrouble?.clipped()
        details.former = user.formerVersion
        details.running = user.runningVersion
        if let version = user.version, version == user.settings.package {
            details.reason = .pinned
        } else if user.version == nil || user.versionTrouble != nil {
            details.reason = .trouble
        } else if user.version == versionInForce {
            details.reason = .inForce
        }
        return details
    }
}
