// What each user is to have: the one place where settings, configuration, database, version and rollout come together.

import Shared

extension Supervisor {
    func aim(of user: User) -> Aim {
        let row = user.database.flatMap { databases[$0] }
        let service = databases.service(user.database, now)
        let limits = limits(user)
        let package = versions.manifest(of: user.version)
        let recipe = PlanRecipe(
            settings: user.settings, general: planSettings(user), limits: limits, version: user.version,
            package: package, database: user.database, place: row?.place ?? 0,
            databaseEnvironment: row?.environment ?? [:], runtime: rules.runtime)
        return Aim(
            wanted: wanted(user, service), rules: rules, limits: limits,
            condition: DatabaseCondition(service), isPresentLost: isPresentLost(user),
            hasVersion: hasVersion(user), isVersionUnseen: user.version != nil && package == nil,
            trial: trial(user), isCrowded: admission.isCrowded, isFolderGone: deletions.held[user.name] != nil,
            isEnding: isStopping, check: checkSettings(user, user.version), otherChecks: otherChecks(user),
            recipe: recipe)
    }

    func wanted(_ user: User) -> Wanted { wanted(user, databases.service(user.database, now)) }

    private func wanted(_ user: User, _ service: DatabaseTable.Service?) -> Wanted {
        if let reason = user.hold { return .down(.held(reason)) }
        if !user.settings.enabled { return .down(.disabled) }
        let name = user.database ?? ""
        switch service {
        case .available:
            return .up
        case .unavailable(let cause):
            return .down(.databaseUnavailable("database \(name) is unavailable: \(cause)"))
        case .awaited:
            return .down(.databaseUnknown("waits for the first word about database \(name)"))
        case nil:
            // Without databases there are none to name.
            guard !databases.isEmpty, let wish = user.settings.database else { return .up }
            return .down(.noDatabase("database \(wish) is not configured"))
        }
    }

    private func isPresentLost(_ user: User) -> Bool {
        guard let name = user.actual.first?.plan.database else { return false }
        return databases[name]?.state == .unavailable
    }

    /// What of the configuration goes into the user's plan.
    func planSettings(_ user: User) -> PlanSettings {
        guard !user.hasNewSettings, let former = upgrade.newSettings?.former else { return planSettings }
        return former
    }

    func limits(_ user: User) -> LimitSettings {
        var general = planSettings(user).limits
        general.memory = configuration.worker.limits.memory
        return user.settings.limits.applied(to: general)
    }

    /// How a process of this version of the user is checked.
    func checkSettings(_ user: User, _ version: String?) -> CheckSettings {
        let package = versions.manifest(of: version)
        let usual = package?.check.applied(to: configuration.worker.check) ?? configuration.worker.check
        return user.settings.check.applied(to: usual)
    }

    private func otherChecks(_ user: User) -> [(version: String?, check: CheckSettings)] {
        switch user.actual {
        case .absent, .queued, .waiting: return []
        case .starting, .ready, .stopping:
            guard let process = user.actual.first, process.version != user.version else { return [] }
            return [(process.version, checkSettings(user, process.version))]
        case .swapping(let old, let new):
            return [old.version, new.process.version].filter { $0 != user.version }
                .map { ($0, checkSettings(user, $0)) }
        }
    }
}

extension DatabaseCondition {
    init(_ service: DatabaseTable.Service?) {
        self =
            switch service {
            case .unavailable: .down
            case .available(let isInDoubt), .awaited(let isInDoubt): isInDoubt ? .inDoubt : .fine
            case nil: .fine
            }
    }
}
