// Where a process stands in its user's life; a report names the process that it is about by its generation.

import Shared

extension User {
    enum Role {
        case starting
        case ready
        case swappedOut(new: Newcomer)
        case swappedIn(old: Process, Newcomer)
        case stopping(Departure.Phase)
        case departing(Departure.Phase)
    }

    /// Nil for a process that is gone.
    func role(of id: WorkerID) -> (role: Role, process: Process)? {
        if let departure = departing[id.generation] { return (.departing(departure.phase), departure.process) }
        switch actual {
        case .absent, .queued, .waiting: return nil
        case .starting(let start): return start.process.id == id ? (.starting, start.process) : nil
        case .ready(let process, _): return process.id == id ? (.ready, process) : nil
        case .stopping(let departure):
            return departure.process.id == id ? (.stopping(departure.phase), departure.process) : nil
        case .swapping(let old, let new):
            if new.process.id == id { return (.swappedIn(old: old, new), new.process) }
            return old.id == id ? (.swappedOut(new: new), old) : nil
        }
    }

    /// Changes what is known of one process, wherever it stands; nothing where it is gone.
    ///
    /// - Parameter isSaved: whether the change is one for the user's record.
    mutating func edit(_ id: WorkerID, isSaved: Bool = true, _ body: (inout Process) -> Void) {
        let wasUnsaved = isUnsaved
        guard editProcess(id, body) else { return }
        isUnsaved = isSaved || wasUnsaved
    }

    /// Changes what goes on beside the serving of a ready process, which is nothing for the record.
    mutating func editService(_ body: (inout Service) -> Void) {
        guard case .ready(let process, var service) = actual else { return }
        let wasUnsaved = isUnsaved
        body(&service)
        actual = .ready(process, service)
        isUnsaved = wasUnsaved
    }

    private mutating func editProcess(_ id: WorkerID, _ body: (inout Process) -> Void) -> Bool {
        if var departure = departing[id.generation] {
            body(&departure.process)
            departing[id.generation] = departure
            return true
        }
        switch actual {
        case .starting(var start) where start.process.id == id:
            body(&start.process)
            actual = .starting(start)
        case .ready(var process, let service) where process.id == id:
            body(&process)
            actual = .ready(process, service)
        case .swapping(var old, let new) where old.id == id:
            body(&old)
            actual = .swapping(old: old, new: new)
        case .swapping(let old, var new) where new.process.id == id:
            body(&new.process)
            actual = .swapping(old: old, new: new)
        case .stopping(var departure) where departure.process.id == id:
            body(&departure.process)
            actual = .stopping(departure)
        case .absent, .queued, .starting, .ready, .swapping, .stopping, .waiting:
            return false
        }
        return true
    }
}
