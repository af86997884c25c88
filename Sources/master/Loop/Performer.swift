// From an effect to the part that performs it: one switch, and no decision in it.

import Policy
import Shared
import SharedSystem

extension Loop {
    /// Performs an effect; what it finds out on the way comes back as events. Where it cannot be done, the log tells.
    func perform(_ effect: Effect) -> [Event] {
        do {
            return try attempt(effect)
        } catch {
            log.error("\(error)")
            return []
        }
    }

    func attempt(_ effect: Effect) throws -> [Event] {
        switch effect {
        case .open(let socket): return doors.open(socket)
        case .retire(let socket, let reason): return doors.retire(StandIn(socket, reason))
        case .link(let socket): return doors.link(socket)
        case .unlink(let user): doors.unlink(user)
        case .answer(let socket, let reason): return watchers.tellKeeper(.answer(StandIn(socket, reason)))
        case .quiet(let socket): return watchers.tellKeeper(.quiet(socket))
        case .watch(let socket): try doors.watch(socket)
        case .unwatch(let socket): doors.unwatch(socket)
        case .probe(let socket, let worker): return [.probed(worker, isEmpty: doors.isEmpty(socket))]
        case .start(let id, let socket, let plan, let gently):
            return workforce.start(id, plan, on: socket, of: doors, gently: gently)
        case .welcome(let id, let socket, let nice):
            doors.restoreBacklog(socket)
            workforce.welcome(id, nice: nice)
        case .measure(let id): return workforce.measure(id)
        case .signal(let id, let number, let leaderOnly):
            return workforce.signal(id, number, leaderOnly: leaderOnly)
        case .check(let order): return watchers.tellDispatch(.check(order))
        case .forget(let worker): return watchers.tellDispatch(.forget(worker))
        case .suspect(let worker): return watchers.tellDispatch(.suspect(worker))
        case .startWatcher(let kind, let generation): return watchers.start(kind, generation)
        case .killWatcher(let kind): watchers.kill(kind)
        case .dismissWatcher(let kind): return watchers.dismiss(kind)
        case .ping(let kind):
            try tendShortages()
            return watchers.ping(kind)
        case .snapshot(let kind): return brief(kind)
        case .moveLogs(let folder): return watchers.tellKeeper(.settings(KeeperSettings(logs: folder)))
        case .save(let record): ledger.save(workforce.dated(record))
        case .erase(let name): try ledger.erase(name)
        case .keepHold(let name, let reason): try ledger.keepHold(name, reason)
        case .keepDrained(let names): try ledger.keepDrained(names)
        case .keepDeletions(let deletions): try ledger.keepDeletions(deletions)
        case .keepUpgrade(let upgrade): try ledger.keepUpgrade(upgrade)
        case .keepVersions(let versions): try ledger.keepVersions(versions)
        case .record(let happening): return record(happening)
        case .giveWay: giveWay()
        case .finish: ending = .stopped
        }
        return []
    }

    /// What was put off while the machine was short of something is tried again with each ping of a watcher.
    private func tendShortages() throws {
        try desk.open()
        workforce.sweepAgain()
        ledger.saveAgain()
    }

    private func giveWay() {
        if program.isReplaced { ending = ending ?? .replaced }
    }

    /// The keeper writes it to the journal's file: master waits for no disk.
    func record(_ happening: Happening) -> [Event] {
        let event = ledger.record(happening)
        desk.tell(event)
        return watchers.tellKeeper(.event(event))
    }

    /// Tells a watcher everything that it has to know.
    private func brief(_ kind: WatcherKind) -> [Event] {
        switch supervisor.snapshot(kind) {
        case .keeper(let settings, let archive, let standIns):
            return watchers.brief { keeper, known in
                try keeper.send(.settings(settings))
                try doors.introduceSockets(to: keeper, except: known.sockets)
                try keeper.send(.journal(archive))
                for standIn in standIns { try keeper.send(.answer(standIn)) }
                try workforce.introduce(to: keeper, except: known.outputs)
                try doors.introduceRetired(to: keeper)
                try ledger.introduce(to: keeper)
                try keeper.send(.complete)
            }
        case .pathwatch(var orders):
            orders.configuration = settings.path
            return watchers.brief(orders)
        case .dbwatch(let orders, let databases): return watchers.brief(orders, databases)
        case .dispatch(let orders): return watchers.brief(orders)
        }
    }
}
