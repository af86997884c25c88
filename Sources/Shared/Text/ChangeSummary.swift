// A change of the configuration in one line: for the journal, the log and `steward reload`.

public struct ChangeSummary: Equatable, Sendable {
    private let settings: [SettingChange]
    /// Those of all users that it concerns.
    private let consequences: [Consequence]
    private let isGradual: Bool

    public init(_ settings: [SettingChange], _ consequences: some Sequence<Consequence>, isGradual: Bool) {
        (self.settings, self.consequences, self.isGradual) = (settings, Array(consequences), isGradual)
    }

    /// What is done.
    public var text: String {
        let keys = settings.filter { !$0.isPostponed }.map(\.key)
        let some = keys.listed(atMost: 5)
        let manner = isGradual ? ["too many swaps at once: rolled out like an upgrade"] : []
        return ([keys.isEmpty ? "nothing comes into force" : some] + counts + manner).joined(separator: "; ")
    }

    /// How many users it concerns, and how.
    private var counts: [String] {
        let counts = Consequence.allCases.compactMap { consequence -> String? in
            let count = consequences.count { $0 == consequence }
            return count == 0 ? nil : "\(count) \(count == 1 ? "user" : "users"): \(consequence)"
        }
        return counts.isEmpty ? ["no user is concerned"] : counts
    }

    /// What comes later; nil for nothing.
    public var postponement: String? {
        let keys = settings.filter(\.isPostponed).map(\.key)
        return keys.isEmpty ? nil : "\(keys.joined(separator: ", ")): in force with the next start of master"
    }

    /// What is to be confirmed.
    public var waiting: String {
        "the configuration has changed (\(text)): waiting for `steward reload --yes`"
    }
}
