// What is put off while the machine is short of something: it is tried again, and told once.

import Glibc
import Policy
import Shared

/// What master could not do for the lack of descriptors or room.
struct Shortages {
    /// Whose socket or link could not be made.
    var faceless: Set<UserName> = []
    /// Whose records are not in RUNTIME/state as they should be.
    var unsaved: [UserName: UserRecord] = [:]
    /// Where orphans could not be looked for.
    var sweep: Orphans.Scope?
}

extension Loop {
    /// Tries again what was put off: with each ping of a watcher.
    func tendShortages() throws {
        try restoreListener()
        sweepDue = sweepDue ?? shortages.sweep
        for (name, record) in shortages.unsaved {
            save(record)
            // One is as good as all to find that there is still no room.
            if shortages.unsaved[name] != nil { return }
        }
    }

    /// Tells of a socket or link that could not be made, once for each user.
    func faceFailed(_ name: UserName, _ error: any Error) -> [Event] {
        if shortages.faceless.insert(name).inserted { log.error("\(name): \(error)") }
        return [.faceFailed(name)]
    }

    /// Writes down a user's record. The next master finds a worker whose record is missing by its environment.
    func save(_ record: UserRecord) {
        var record = record
        let name = record.name
        for index in record.processes.indices {
            let id = WorkerID(user: name, generation: record.processes[index].generation)
            record.processes[index].startTime = workers[id]?.child.startTime ?? 0
        }
        do {
            try state.save(record)
            shortages.unsaved[name] = nil
        } catch {
            if shortages.unsaved.isEmpty { log.error("\(error): goes on without, and tries again") }
            shortages.unsaved[name] = record
        }
    }

    func sweepOrphans(_ scope: Orphans.Scope) {
        sweepDue = nil
        let own = Set(watchers.values.map(\.child.pid) + [launcher.child?.pid].compactMap { $0 })
        do {
            try Orphans.sweep(
                scope, own: { self.leaders[$0] != nil || own.contains($0) },
                lives: { origin in
                    switch origin {
                    case .worker(let id): self.workers[id] != nil || self.launcher.isPending(id)
                    case .launch(let generation): self.launcher.lives(generation)
                    }
                },
                // A worker that has ended already had told of itself before.
                learn: { do { try self.readLaunch(.readable) } catch { self.log.error("launch: \(error)") } })
            shortages.sweep = nil
        } catch {
            if shortages.sweep == nil { log.error("\(error): what workers have left is looked for later") }
            shortages.sweep = .everybody
        }
    }
}
