// The configuration file, read again while master runs.
//
// SIGHUP, `steward reload`, `steward plan` and a saved file lead here. This is the one place where the loop waits for a
// disk: one read of at most 1 MiB, when the file has changed or an operator asks for it.

import Policy
import Shared
import SharedSystem

struct SettingsFile {
    /// Absolute.
    let path: String
    /// The file is to be read again at the end of this turn of the loop.
    private(set) var isDue = false

    init(path: String) {
        self.path = path
    }

    mutating func mayHaveChanged() {
        isDue = true
    }

    /// What the file says now, as an event.
    mutating func read(isConfirmed: Bool) -> Event {
        isDue = false
        switch Self.read(path) {
        case .success(let configuration): return .configure(configuration, isConfirmed: isConfirmed)
        case .failure(let error): return .configurationFaulty("\(error)")
        }
    }

    static func read(_ path: String) -> Result<Configuration, any Error> {
        Result { try Configuration.read(path) }
    }
}
