// What the watchers say, to the part that it is about.

import Shared

extension Supervisor {
    /// Watchers with nothing to do are not started.
    func isNeeded(_ kind: WatcherKind) -> Bool {
        switch kind {
        case .keeper, .pathwatch: true
        case .dbwatch: !configuration.databases.isEmpty
        case .dispatch:
            configuration.worker.check.isWanted
                || users.values.contains { checkSettings($0, $0.version).isWanted }
        }
    }

    mutating func watcherAdopted(_ kind: WatcherKind, _ generation: UInt64, _ pid: Int32) {
        if kind == .pathwatch { deletions.begin() }
        watchers.adopted(kind, generation, pid, &out)
    }

    mutating func watcherSaid(_ kind: WatcherKind, _ generation: UInt64, _ report: WatcherReport) {
        switch watchers.receive(kind, generation, report, &out) {
        case .nothing: break
        case .up: if kind == .pathwatch { deletions.begin() }
        case .report(.path(let report)): pathReport(report)
        case .report(.database(let report)): databaseReport(report)
        case .report(.verdict(let verdict)): step(verdict.worker.user) { $0.verdict(verdict, &$1, &$2) }
        case .report(.hello), .report(.alive), .report(.journaled): break
        }
    }

    mutating func watcherExited(_ kind: WatcherKind, _ generation: UInt64, _ why: String) {
        watchers.exited(kind, generation, why, &out)
        finishWhenAlone()
    }
}
