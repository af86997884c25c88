// The JSON form of `steward plan` and `steward reload`. No I/O.

import Shared

struct ChangeDocument: Encodable {
    /// unchanged, underway, preview, applied or waiting.
    let state: String
    let gradual: Bool
    let toBeConfirmed: Bool
    let settings: [Setting]
    /// The users that are concerned.
    let users: [User]

    init(_ change: Change) {
        state = "\(change.outcome.stage)"
        gradual = change.outcome.isGradual
        toBeConfirmed = change.outcome.isToBeConfirmed
        settings = change.settings.map(Setting.init)
        users = change.users.map { User(name: $0.name.text, consequence: "\($0.consequence)") }
    }

    struct Setting: Encodable {
        let key: String
        @Nullable var old: String?
        @Nullable var new: String?
        /// Only another master takes it over.
        let postponed: Bool

        init(_ change: SettingChange) {
            key = change.key
            old = change.old
            new = change.new
            postponed = change.isPostponed
        }
    }

    struct User: Encodable {
        let name: String
        let consequence: String
    }
}
