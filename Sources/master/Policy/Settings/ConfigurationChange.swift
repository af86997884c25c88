// The difference between the configuration in force and another one, and what it means. Pure.

import Shared

package struct ConfigurationChange: Equatable, Sendable {
    /// What the file asks for and can come into force now.
    var next = Configuration()
    /// In the order of the file's description.
    var settings: [SettingChange] = []
    /// Those of all users that it concerns.
    var consequences: [UserName: Consequence] = [:]
    /// Those among them that are carried out at once.
    var atOnce: [UserName: Consequence] = [:]
    /// Whether the other ones, swaps by new worker settings, are carried out by a rollout.
    var isGradual = false
    /// Whether so many users lose their processes at once that it has to be confirmed.
    var isToBeConfirmed = false

    /// Whether nothing of it could come into force now.
    var isIneffective: Bool { settings.allSatisfy(\.isPostponed) }

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
