// Master dies in the simulated world, and another one takes over: workers and keeper go on, all other watchers end.

import Shared

@testable import Policy

extension Simulation {
    /// When the keeper dies with it, sockets come back from the workers, and the others are lost.
    func replaceMaster() {
        missWhatHappens()
        let keeperLives = roll(3) > 0
        if !keeperLives { held = held.intersection(workers.values.map(\.socket)) }
        answering = keeperLives ? answering.intersection(held) : []
        agenda.removeAll { !Self.outlivesMaster($0.incident) }
        lost.formUnion(everOpened.subtracting(held))
        (unmade, brokenLinks, arrivals, adopted, underway) = ([], [], [:], 0, 0)
        (everOpened, everStarted) = (held, Set(workers.keys))
        let left = remains()
        links = links.filter { left[$0.key] != nil && held.contains($0.value) }
        // The patience of users that wait begins anew.
        unservedSince = [:]
        (watched, hanging) = ([], [:])
        (everAdmitted, lowered, killed, formerlyAlive) = ([], [], [], [])
        executed = Set(workers.keys)
        orders = [:]
        supervisor = Supervisor(
            configuration, processors: 2, holds: holds, remains: left, versions: versions, upgrade: keptUpgrade(),
            kept: kept,
            drained: drained, seed: chance.next())
        supervisor.gate.fewest = mostAtOnce
        isKeeperAdopted = keeperLives
        if keeperLives { send(.watcherAdopted(.keeper, generation: 1, pid: nextPID())) }
        send(.boot)
    }

    /// What no master sees: some workers die, and the READY=1 of others is not read.
    private func missWhatHappens() {
        // A process of which launch has not told ends by itself.
        workers = workers.filter(\.value.isTold)
        for id in workers.keys.sorted(by: { ($0.user, $0.generation) < ($1.user, $1.generation) }) {
            guard let worker = workers[id] else { continue }
            // Of a worker that is not checked, master cannot tell whether it hangs or its READY=1 was lost.
            let hangs = quality(worker.plan) == .hangs
            let isUnchecked = hangs && !supervisor.isChecked(id.user)
            if roll(8) == 0 {
                workers[id] = nil
            } else if isUnchecked || (roll(4) == 0 && !worker.isTerminated && !hangs) {
                workers[id]?.isServing = true
                agenda.removeAll { if case .loaded(id) = $0.incident { true } else { false } }
            }
        }
    }

    private static func outlivesMaster(_ incident: Incident) -> Bool {
        switch incident {
        case .exit, .loaded, .round: true
        case .event, .report, .launched: false
        }
    }

    private func remains() -> [UserName: Remains] {
        var result: [UserName: Remains] = [:]
        for (name, record) in saved {
            var left = Remains(record: record)
            left.record.processes.removeAll { $0.pid == 0 }
            for process in record.processes {
                let id = WorkerID(user: name, generation: process.generation)
                if workers[id] == nil { left.ends[process.generation] = "died while no master ran" }
            }
            result[name] = left
        }
        for socket in held {
            var record = UserRecord()
            record.name = socket.user
            record.generation = socket.generation
            result[socket.user, default: Remains(record: record)].sockets.insert(socket)
        }
        for (name, target) in links where held.contains(target) {
            result[name]?.face = Face(socket: target, standIn: answering.contains(target) ? .restarting : nil)
        }
        return result
    }
}

extension Supervisor {
    fileprivate func isChecked(_ name: UserName) -> Bool {
        users[name].map { checkSettings($0, $0.version).isWanted } ?? configuration.worker.check.isWanted
    }
}
