// What the Supervisor waits for.

import Shared

extension Supervisor {
    /// What a deadline is for.
    enum Deadline: Hashable, Sendable {
        /// A process should be ready, or its service be released, by now.
        case ready(WorkerID)
        /// It has been starting long enough to let others start beside it.
        case place(WorkerID)
        /// A worker's heartbeat is stale by now.
        case pulse(WorkerID)
        /// It has run for long enough to be checked for the last time before customers are sent to it.
        case soak(WorkerID)
        /// A socket or link could not be made: to be tried again.
        case face(UserName)
        /// Requests have waited for this user's worker long enough: the stand-in answers.
        case patience(UserName)
        case restart(UserName)
        case drain(WorkerID)
        case kill(WorkerID)
        /// Databases without a word are taken as available from now on.
        case databases
        /// The users of a database that is unavailable leave it.
        case move(String)
        /// A database has not flapped for long enough.
        case calm(String)
        case ping
        case watcher(WatcherKind)
        case watchersGone
        /// A line about how far a crowd of starts has come.
        case progress
        /// Look how much memory some of the workers use.
        case memory
        /// Judge the gathered deletions.
        case deletions
        /// Judge the failures of a rollout that may be a database's fault.
        case doubts
        /// Look again at those whom a rollout has put aside.
        case aside
        /// Write down whose deletion is held back.
        case keepDeletions
        /// Write down everybody's version.
        case keepVersions
    }
}
