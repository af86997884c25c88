// The simulated watchers: they say hello, answer, are told and tell everything anew, and end.

import Shared

@testable import Policy

extension Simulation {
    func generation(_ kind: WatcherKind) -> UInt64 {
        supervisor.watchers[kind]?.generation ?? 0
    }

    /// A watcher reports, where there is one: what it says arrives in the order in which it was said.
    func say(_ kind: WatcherKind, _ report: WatcherReport) {
        guard case .up = supervisor.watchers[kind]?.state, !hangs(kind) else { return }
        plan(.report(kind, generation: generation(kind), report), in: .milliseconds(1))
    }

    /// In wild times one hangs now and then: nothing is heard of it any more.
    func ping(_ kind: WatcherKind) {
        if fails(oneIn: 300), !hangs(kind) { hanging[kind] = (generation(kind), now) }
        if !hangs(kind) { plan(.report(kind, generation: generation(kind), .alive), in: .milliseconds(1)) }
    }

    func hangs(_ kind: WatcherKind) -> Bool { hanging[kind]?.generation == generation(kind) }

    /// It is asked every two seconds, and given up five seconds after the first question that it does not answer.
    func judgeWatchers() {
        for (kind, (generation, since)) in hanging where generation == self.generation(kind) {
            guard supervisor.watchers[kind]?.isUp == true, !supervisor.isStopping else { continue }
            expect(now - since <= .seconds(10), .watched, "\(kind) \(generation)")
        }
    }

    func startWatcher(_ kind: WatcherKind, _ generation: UInt64) -> [Event] {
        let pid = nextPID()
        let hello = Hello(kind: kind, pid: pid, generation: generation)
        plan(.report(kind, generation: generation, .hello(hello)), in: .milliseconds(10))
        return [.watcherStarted(kind, generation: generation, pid: pid)]
    }

    func endWatcher(_ kind: WatcherKind, _ why: String) {
        plan(.event(.watcherExited(kind, generation: generation(kind), why: why)), in: .milliseconds(1))
    }

    /// A new watcher knows what it is told now, and tells what it finds.
    func snapshot(_ kind: WatcherKind) {
        switch supervisor.snapshot(kind) {
        case .keeper(_, _, let standIns):
            // One that was adopted goes on with what it has.
            if !isKeeperAdopted { answering = Set(standIns.map(\.socket)) }
            isKeeperAdopted = false
        case .dispatch(let due):
            orders = Dictionary(uniqueKeysWithValues: due.map { ($0.worker, $0) })
        case .dbwatch:
            for (name, state) in databaseStates.sorted(by: { $0.key < $1.key }) { sayDatabase(name, state) }
        case .pathwatch:
            say(.pathwatch, .path(.begin))
            sayPackages()
            for name in Self.names { if let file = files[name] { say(.pathwatch, .path(.adduser(file))) } }
            say(.pathwatch, .path(.complete))
        }
    }

    func sayDatabase(_ name: String, _ state: DatabaseState) {
        var report = DatabaseReport()
        report.name = name
        report.state = state
        report.maxConnections = maxConnections
        say(.dbwatch, .database(report))
    }
}
