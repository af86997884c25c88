// What a configuration changes, for a terminal. No I/O.

import Shared

/// The parts of `steward plan` and `steward reload`.
struct Change {
    private static let mostNames = 20
    private static let mostSettings = 100

    var outcome = ConfigurationOutcome()
    /// In the order of the file's description.
    var settings: [SettingChange] = []
    /// In the order of names; users that are not concerned are left out.
    var users: [UserConsequence] = []

    /// One part of master's answer.
    mutating func take(_ answer: ControlAnswer) {
        switch answer {
        case .configuration(let outcome): self.outcome = outcome
        case .setting(let setting): settings.append(setting)
        case .consequence(let user): users.append(user)
        case .done, .refused, .master, .watcher, .database, .user, .event, .fault, .packageTrouble, .explanation,
            .stranded, .pendingDeletion, .package, .upgrade, .upgradePreview, .userPreview:
            break
        }
    }

    private var summary: ChangeSummary {
        ChangeSummary(settings, users.map(\.consequence), isGradual: outcome.isGradual)
    }

    /// What has been done.
    var shortLines: [String] {
        switch outcome.stage {
        case .unchanged: ["nothing has changed"]
        case .underway: ["new worker settings are on their way"]
        case .preview, .applied, .waiting: [summary.text, summary.postponement].compactMap(\.self)
        }
    }

    /// Why it has not been done; nil where it has.
    var refusal: String? { outcome.stage == .waiting ? summary.waiting : nil }

    /// Everything, shortened where it would be too long to read.
    var lines: [String] {
        guard !settings.isEmpty else { return ["nothing has changed"] }
        var lines = settings.prefix(Self.mostSettings).map { change in
            "\(change.key): \(change.old ?? "(none)") -> \(change.new ?? "(none)")"
        }
        if settings.count > Self.mostSettings { lines.append("and \(settings.count - Self.mostSettings) more") }
        if let postponement = summary.postponement { lines.append(postponement) }
        lines += Consequence.allCases.compactMap(line)
        if outcome.isGradual {
            lines.append("too many swaps at once: rolled out like an upgrade, see `steward upgrade`")
        }
        if outcome.isToBeConfirmed { lines.append("too many users affected: waiting for `steward reload --yes`") }
        return users.isEmpty ? lines + ["no user is concerned"] : lines
    }

    private func line(_ consequence: Consequence) -> String? {
        let names = users.filter { $0.consequence == consequence }.map(\.name.text)
        guard !names.isEmpty else { return nil }
        return "\(consequence) (\(names.count)): \(names.listed(atMost: Self.mostNames))"
    }
}
