// The difference between the configuration in force and another one, and what it means. Pure.

import Shared

/// A setting that differs.
struct SettingChange: Equatable, Sendable {
    let key: String
    /// As they are shown, without secrets; nil where the key is absent.
    let old: String?
    let new: String?
}

package struct ConfigurationChange: Equatable, Sendable {
    /// What the file asks for, as far as it can come into force now.
    var next = Configuration()
    /// In the order of the file's description.
    var settings: [SettingChange] = []
    /// Keys among them that only another master takes over.
    var postponed: [String] = []
    /// Those of everybody for whom it means something.
    var consequences: [UserName: Consequence] = [:]
    /// Those among them that come at once.
    var atOnce: [UserName: Consequence] = [:]
    /// Whether the other ones, swaps by new worker settings, come by a rollout.
    var isGradual = false
    /// Whether so many users lose their processes at once that it has to be confirmed.
    var isToBeConfirmed = false

    /// Whether nothing of it could come into force now.
    var isIneffective: Bool { settings.count == postponed.count }

    func names(_ consequence: Consequence) -> [UserName] {
        consequences.filter { $0.value == consequence }.keys.sorted()
    }
}

/// What came of a reading of the configuration file.
package enum ConfigurationReading: Equatable, Sendable {
    case unchanged
    case applied(ConfigurationChange)
    /// Nothing of it is in force until it is confirmed.
    case waits(ConfigurationChange)
    /// It cannot be used: the line for the operator.
    case faulty(String)
}

// MARK: for the operator

extension ConfigurationChange {
    private static let mostNames = 20
    private static let mostSettings = 100

    /// What is done, in one line.
    package var summary: String {
        let keys = settings.filter { !postponed.contains($0.key) }.map(\.key)
        let some = keys.prefix(5).joined(separator: ", ") + (keys.count > 5 ? " and \(keys.count - 5) more" : "")
        let manner = isGradual ? ["so many swaps go as an upgrade"] : []
        return ([keys.isEmpty ? "nothing comes into force" : some] + counts + manner).joined(separator: "; ")
    }

    /// How many users it concerns, and how.
    private var counts: [String] {
        let counts = Consequence.allCases.compactMap { consequence -> String? in
            let count = names(consequence).count
            return count == 0 ? nil : "\(count) \(count == 1 ? "user" : "users"): \(consequence)"
        }
        return counts.isEmpty ? ["no user is concerned"] : counts
    }

    package var postponement: String? {
        postponed.isEmpty ? nil : "\(postponed.joined(separator: ", ")): in force with the next start of master"
    }

    /// What waits, in one line.
    package var waiting: String {
        "the configuration has changed (\(summary)): that waits for `steward reload --yes`"
    }

    /// All of it, for a terminal.
    package var lines: [String] {
        guard !settings.isEmpty else { return ["nothing has changed"] }
        var lines = settings.prefix(Self.mostSettings).map { change in
            "\(change.key): \(change.old ?? "(none)") -> \(change.new ?? "(none)")"
        }
        if settings.count > Self.mostSettings { lines.append("and \(settings.count - Self.mostSettings) more") }
        if let postponement { lines.append(postponement) }
        for consequence in Consequence.allCases where consequence != .nothing {
            let names = names(consequence)
            guard !names.isEmpty else { continue }
            let some = names.prefix(Self.mostNames).map(\.text).joined(separator: ", ")
            let more = names.count > Self.mostNames ? " and \(names.count - Self.mostNames) more" : ""
            lines.append("\(consequence) (\(names.count)): \(some)\(more)")
        }
        if isGradual { lines.append("so many swaps go as an upgrade: see `steward upgrade`") }
        if isToBeConfirmed { lines.append("so many users at once: it waits for `steward reload --yes`") }
        return consequences.isEmpty ? lines + ["no user is concerned"] : lines
    }
}
