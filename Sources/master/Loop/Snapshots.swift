// Everything that a watcher has to know, for one that has just come up.

import Policy
import Shared
import SharedSystem

extension Loop {
    func sendSnapshot(_ kind: WatcherKind) -> [Event] {
        links[kind]?.isSynchronised = true
        switch kind {
        case .keeper: return tell(kind, links.keeper, snapshot)
        case .pathwatch:
            var settings = supervisor.configuration.pathSettings
            settings.configuration = file
            return tell(kind, links.pathwatch) { try $0.send(.settings(settings)) }
        case .dbwatch: return tell(kind, links.dbwatch, snapshot)
        case .dispatch:
            return tell(kind, links.dispatch) { link in
                for order in supervisor.checkOrders { try link.send(.check(order)) }
            }
        }
    }

    var keeperSettings: KeeperSettings { KeeperSettings(logs: supervisor.configuration.logs) }

    private func snapshot(_ keeper: TypedLink<FromKeeper, ToKeeper>) throws {
        try keeper.send(.settings(keeperSettings))
        try keeper.send(.notify, with: notify.descriptor)
        for (socket, descriptor) in sockets.held where !keeperKnows.sockets.contains(socket) {
            try keeper.send(.keep(socket), with: descriptor)
        }
        try keeper.send(.journal(supervisor.configuration.journal))
        for standIn in supervisor.standIns { try keeper.send(.answer(standIn)) }
        for (id, worker) in workers where !keeperKnows.outputs.contains(id) {
            if let output = worker.output { try keeper.send(.output(id), with: output) }
        }
        for socket in retired {
            try keeper.send(.keep(socket.socket.socket), with: socket.descriptor)
            try keeper.send(.retire(socket.socket))
        }
        for event in journal.unwritten { try keeper.send(.event(event)) }
        try keeper.send(.complete)
    }

    private func snapshot(_ dbwatch: TypedLink<FromDBWatch, ToDBWatch>) throws {
        try dbwatch.send(.settings(supervisor.configuration.databaseCheck))
        for database in supervisor.configuration.databases { try dbwatch.send(.database(database)) }
        try dbwatch.send(.complete)
    }
}

extension Configuration {
    var journal: JournalSettings { JournalSettings(folder: state) }
}
