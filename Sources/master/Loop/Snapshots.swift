// Everything that a watcher has to know, for one that has just come up.

import Policy
import Shared
import SharedSystem

extension Loop {
    func sendSnapshot(_ kind: WatcherKind) -> [Event] {
        links[kind]?.isSynchronised = true
        switch supervisor.snapshot(kind) {
        case .keeper(let settings, let journal, let standIns):
            return tell(kind, links.keeper) { try introduce(to: $0, settings, journal, standIns) }
        case .pathwatch(var settings):
            settings.configuration = file
            return tell(kind, links.pathwatch) { try $0.send(.settings(settings)) }
        case .dbwatch(let settings, let databases):
            return tell(kind, links.dbwatch) { dbwatch in
                try dbwatch.send(.settings(settings))
                for database in databases { try dbwatch.send(.database(database)) }
                try dbwatch.send(.complete)
            }
        case .dispatch(let orders):
            return tell(kind, links.dispatch) { dispatch in
                for order in orders { try dispatch.send(.check(order)) }
            }
        }
    }

    private func introduce(
        to keeper: TypedLink<FromKeeper, ToKeeper>, _ settings: KeeperSettings, _ archive: JournalSettings,
        _ standIns: [StandIn]
    ) throws {
        try keeper.send(.settings(settings))
        try keeper.send(.notify, with: notify.descriptor)
        for (socket, descriptor) in sockets.held where !keeperKnows.sockets.contains(socket) {
            try keeper.send(.keep(socket), with: descriptor)
        }
        try keeper.send(.journal(archive))
        for standIn in standIns { try keeper.send(.answer(standIn)) }
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
}
