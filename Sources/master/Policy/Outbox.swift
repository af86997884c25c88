// What a step answers, and what a part is lent for it: the time, chance, and a place to put effects and records.

import Shared

struct Outbox {
    private(set) var now = Instant(nanoseconds: 0)
    /// Users whose records have changed: they are written before anything else is done.
    private var unsaved: [UserName] = []
    private var effects: [Effect] = []
    /// What no user waits for: events for the operator, and what dispatch may forget.
    private var afterthoughts: [Effect] = []
    /// Whether something is to be checked.
    private(set) var hasChecks = false
    private var chance: SplitMix64

    /// - Parameter seed: for the jitter of restart delays.
    init(seed: UInt64) {
        chance = SplitMix64(seed: seed)
    }

    mutating func begin(_ now: Instant) {
        hasChecks = false
        self.now = now
    }

    /// Everything that the step answers, in the order in which it is performed.
    ///
    /// - Parameter record: what is to be written down of a user at the end of the step.
    mutating func take(_ record: (UserName) -> Effect) -> [Effect] {
        defer {
            unsaved.removeAll(keepingCapacity: true)
            effects.removeAll(keepingCapacity: true)
            afterthoughts.removeAll(keepingCapacity: true)
        }
        return unsaved.map(record) + effects + afterthoughts
    }

    mutating func emit(_ effect: Effect) {
        if case .check = effect { hasChecks = true }
        effects.append(effect)
    }

    /// After everything else of this step: the next start, above all.
    mutating func emitLast(_ effect: Effect) {
        afterthoughts.append(effect)
    }

    /// The record of this user is to be written, or to be erased where it is gone.
    mutating func save(_ name: UserName) {
        if !unsaved.contains(name) { unsaved.append(name) }
    }

    mutating func note(
        _ text: String, rule: String, user: UserName? = nil, subject: String? = nil,
        weight: Happening.Weight = .routine
    ) {
        emitLast(.record(Happening(user: user, subject: subject, text: text, rule: rule, weight: weight)))
    }

    /// 0 to 1.
    mutating func nextChance() -> Double {
        Double(chance.next() >> 11) / Double(1 << 53)
    }
}
