// The users that an upgrade would change, for a terminal. No I/O.

import Shared

/// The parts of `steward upgrade plan`.
struct UpgradeForecast {
    private static let mostNames = 10

    var version = ""
    /// In the order of their turns; then the users that are not changed.
    var users: [UserPreview] = []

    /// One part of master's answer.
    mutating func take(_ answer: ControlAnswer) {
        switch answer {
        case .upgradePreview(let preview): version = preview.version
        case .userPreview(let user): users.append(user)
        case .done, .refused, .master, .watcher, .database, .user, .event, .fault, .packageTrouble, .explanation,
            .stranded, .pendingDeletion, .package, .configuration, .setting, .consequence, .upgrade:
            break
        }
    }

    var lines: [String] {
        let changed = users.filter { $0.stay == nil }
        return ["\(changed.count) of \(users.count) users would be changed"] + changed.map(line)
            + [UserPreview.Stay.pinned, .nextStart, .hasVersion, .free].compactMap(line)
    }

    private func line(_ user: UserPreview) -> String {
        let canary = user.isCanary ? ", canary" : ""
        return "\(user.name): \(user.version ?? "no package") to \(version) (\(user.plan)\(canary))"
    }

    private func line(_ stay: UserPreview.Stay) -> String? {
        let names = users.filter { $0.stay == stay }.map(\.name.text)
        guard !names.isEmpty else { return nil }
        let isOne = names.count == 1
        let why =
            switch stay {
            case .hasVersion: isOne ? "user has it already" : "users have it already"
            case .pinned: isOne ? "user is pinned" : "users are pinned"
            case .nextStart: isOne ? "user gets it at its next start" : "users get it at their next start"
            case .free: isOne ? "user stays (upgrade.free)" : "users stay (upgrade.free)"
            }
        return "\(names.count) \(why): \(names.listed(atMost: Self.mostNames))"
    }
}
