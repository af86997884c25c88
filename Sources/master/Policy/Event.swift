// What master is told, and what it can do: the two vocabularies between the loop and the Supervisor.

import Shared

/// How a process ended.
package enum Exit: Equatable, Sendable, CustomStringConvertible {
    case code(Int32)
    case signal(Int32)
    /// It was not a child of this master, and the kernel does not tell how it ended.
    case unseen

    /// - Parameter status: an exit code, or minus a signal's number.
    package init(status: Int32) {
        self = status < 0 ? .signal(-status) : .code(status)
    }

    package var description: String {
        switch self {
        case .code(let code): "exit \(code)"
        case .signal(let signal): "signal \(signal)"
        case .unseen: "exit unknown"
        }
    }
}

/// What a worker says over NOTIFY_SOCKET (sd_notify(3)).
package enum Notification: Equatable, Sendable {
    case ready
    case heartbeat
    case status(String)
}

package enum Event: Equatable, Sendable {
    case boot
    /// A deadline may have come.
    case tick
    /// SIGTERM, SIGINT or the operator's `stop`.
    case stop

    case watcherStarted(WatcherKind, generation: UInt64, pid: Int32)
    /// One that an earlier master has left.
    case watcherAdopted(WatcherKind, generation: UInt64, pid: Int32)
    /// Indirect, as `configure` is: every event would be as large as a user's settings.
    indirect case watcherSaid(WatcherKind, generation: UInt64, WatcherReport)
    /// Its channel ended, or carried what is no packet.
    case watcherBroke(WatcherKind, generation: UInt64, why: String)
    case watcherExited(WatcherKind, generation: UInt64, why: String)

    case started(WorkerID, pid: Int32)
    case startFailed(WorkerID, why: String)
    /// Its own program runs.
    case executed(WorkerID)
    case executionFailed(WorkerID, why: String)
    case notified(WorkerID, Notification)
    case exited(WorkerID, Exit)
    /// Whether a request waits on the socket of a worker that is to leave.
    case probed(WorkerID, isEmpty: Bool)
    /// The resident memory of a worker with its descendants, in bytes.
    case measured(WorkerID, memory: Int)

    /// The socket or the link of this user could not be made.
    case faceFailed(UserName)
    /// A customer waits on the socket of a user that is queued.
    case awaited(SocketID)

    case hold(UserName, reason: String)
    case release(UserName)
    case restart(UserName)
    /// A database is taken out of use, or taken into use again.
    case drain(String)
    case undrain(String)
    case rebalance
    case upgrade(UpgradeOrder)
    /// Of deletions that are held back; empty: of all of them.
    case confirmDeletions([UserName])

    /// What the configuration file says now; confirmed: however many users it takes out of service.
    indirect case configure(Configuration, isConfirmed: Bool)
    /// It cannot be used, and why.
    case configurationFaulty(String)
}

/// What the operator wants of an upgrade.
package enum UpgradeOrder: Equatable, Sendable {
    /// Send all users that follow to this version.
    case start(String)
    case pause
    case resume
    /// Bring back the users that it has changed.
    case abort
}

/// A packet of a watcher, whichever its kind.
package enum WatcherReport: Equatable, Sendable {
    case hello(Hello)
    case alive
    case path(FromPathwatch)
    case database(DatabaseReport)
    case verdict(CheckVerdict)
    case journaled(JournalMark)
}

package enum Effect: Equatable, Sendable {
    /// Make the listening socket, and give the keeper a copy.
    case open(SocketID)
    /// Nothing points to this socket any more: the keeper answers what still waits there, master lets go of it.
    case retire(SocketID, StandInReason)
    /// A worker has become ready: it runs at its own nice value, and gets back the backlog that its own listen() may have
    /// lowered.
    case welcome(WorkerID, socket: SocketID, nice: Int)
    case link(SocketID)
    case unlink(UserName)
    case answer(SocketID, StandInReason)
    case quiet(SocketID)
    /// Tell, once, when a customer waits on this socket.
    case watch(SocketID)
    case unwatch(SocketID)
    /// Look whether a request waits on this socket; `probed` tells.
    case probe(SocketID, worker: WorkerID)

    /// Start a worker on a socket; gently: it comes after the ready ones for the processor until it is ready, too.
    case start(WorkerID, socket: SocketID, WorkerPlan, gently: Bool)
    /// Look how much memory the worker uses; `measured` tells.
    case measure(WorkerID)
    /// Send a signal to the worker's session, or to the leader alone.
    case signal(WorkerID, Int32, leaderOnly: Bool)

    case check(CheckOrder)
    case forget(WorkerID)
    case suspect(WorkerID)

    case startWatcher(WatcherKind, generation: UInt64)
    case killWatcher(WatcherKind)
    case dismissWatcher(WatcherKind)
    case ping(WatcherKind)
    /// Tell this watcher everything that it has to know, with an end mark: `Supervisor.snapshot` says what.
    case snapshot(WatcherKind)
    /// Tell the keeper the folder where the workers' output goes from now on.
    case moveLogs(to: String)

    /// Write down the user's record: before everything else of a step. Only the edge knows the processes' start times.
    case save(UserRecord)
    case erase(UserName)
    /// Write down the operator's hold with its reason; nil: forget it.
    case keepHold(UserName, String?)
    /// Write down the databases that the operator has taken out of use.
    case keepDrained(Set<String>)
    /// Write down the deletions that are held back.
    case keepDeletions(KeptDeletions)
    /// Write down how far an upgrade has come.
    case keepUpgrade(KeptUpgrade)
    /// Write down the version of every user.
    case keepVersions([UserName: KeptVersion])
    case record(Happening)
    /// Where master's own program has been replaced, leave for the new one.
    case giveWay
    case finish
}

/// A decision with its cause, or a report worth knowing.
package struct Happening: Equatable, Sendable {
    package enum Weight: Sendable {
        /// One of a crowd: kept for `events` and `why`, and told in the log by its number only.
        case crowd
        case routine
        case warning
    }

    package var user: UserName?
    package var subject: String?
    package var text: String
    /// The rule that fired: a short name that stays the same.
    package var rule: String
    package var weight = Weight.routine

    package init(
        user: UserName? = nil, subject: String? = nil, text: String, rule: String, weight: Weight = .routine
    ) {
        (self.user, self.subject, self.text, self.rule, self.weight) = (user, subject, text, rule, weight)
    }
}
