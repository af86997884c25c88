// Everything that a watcher has to know, for one that has just started or is to be told anew.

import Shared

package enum Snapshot {
    /// Beside this the keeper gets what only the edges have: sockets, outputs, events.
    case keeper(KeeperSettings, JournalSettings, [StandIn])
    /// Master's own file is still missing: only the edge knows where it lies.
    case pathwatch(PathSettings)
    case dbwatch(DatabaseCheckSettings, [DatabaseSettings])
    case dispatch([CheckOrder])
}

extension Supervisor {
    /// To be asked when the effect `snapshot` is performed.
    package func snapshot(_ kind: WatcherKind) -> Snapshot {
        switch kind {
        case .keeper:
            .keeper(KeeperSettings(logs: configuration.logs), configuration.journal, standIns)
        case .pathwatch: .pathwatch(configuration.pathSettings)
        case .dbwatch: .dbwatch(configuration.databaseCheck, configuration.databases)
        case .dispatch: .dispatch(checkOrders)
        }
    }
}

extension Configuration {
    package var journal: JournalSettings { JournalSettings(folder: state) }
}
