// What a descriptor of master is: the names by which the poller answers.

import Glibc
import Shared
import SharedSystem

enum Source {
    case signals
    case notify
    case control
    case client
    case watcher(WatcherKind)
    case watcherExit(WatcherKind)
    case workerExit(WorkerID)
    case launch
    case launchExit
    /// The socket of a queued user.
    case awaited(SocketID)
}

extension Poller<Source> {
    /// Ends a process whose end could not be noticed. The sweep of orphans reaps it.
    func end(_ child: Child) {
        remove(child.pidfd.number)
        child.signalGroup(SIGKILL)
    }
}
