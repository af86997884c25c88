// What passes from one master to the next beside the deletions and rollouts: holds, versions, and what still runs.
//
// The Supervisor gets one `Remains` for each user (`Inheritance` collects them), and takes it over when pathwatch
// reports the user (`Adoption`). A ready worker is ready, a swap goes on, a delay goes on, and a worker that died
// meanwhile is restarted on its socket, at once. What has changed in the meantime follows from comparing the plan by
// which a process runs with the present one. Of a plan, a process keeps only a fingerprint, which the next master can
// compare. The fingerprint takes in everything that a start is made of: a version of Steward that gives workers
// another environment swaps all of them, `start_concurrency` at a time. Users that pathwatch does not report any more
// are ended. A user whose file is wrong runs on, unsupervised, until the file is right again.
//
// A worker without checks that was starting when master died counts as ready, because its READY=1 may have arrived
// while no master read it.
//
// A watcher that speaks another version shows that the programs have been replaced. If master's own program has been
// replaced, too, master becomes the new one by execve(2), and adopts what it had. SIGTERM is the ordered end: the
// keeper is told to leave, too.

import Shared

/// What an earlier master has written down of a user.
package struct KeptVersion: Equatable, Sendable {
    /// The version that the user is to run.
    var version: String?
    /// The version that it ran before.
    var former: String?
}

struct Succession {
    /// Between a change of a version and its writing: they come in crowds.
    private static let keepDelay = Duration.milliseconds(500)

    /// Holds of an earlier master, until their users are reported.
    private(set) var holds: [UserName: String]
    /// Versions of its users, until those are reported.
    private(set) var versions: [UserName: KeptVersion]
    /// What it has left of users that are not reported yet.
    private(set) var remains: [UserName: Remains]
    /// How many of its processes have been taken over.
    private(set) var adopted = 0
    /// When all versions are to be written down; nil where they are.
    private(set) var deadline: Instant?

    init(holds: [UserName: String], versions: [UserName: KeptVersion], remains: [UserName: Remains]) {
        (self.holds, self.versions, self.remains) = (holds, versions, remains)
    }

    // MARK: events about users that are not known yet

    mutating func ended(_ id: WorkerID, _ how: String) -> Bool {
        remains[id.user]?.ended(id.generation, how) != nil
    }

    mutating func becameReady(_ id: WorkerID, _ now: Instant) -> Bool {
        remains[id.user]?.becameReady(id.generation, now) != nil
    }

    /// The keeper answers for a user of which no process is left and no settings are known.
    ///
    /// - Returns: on which socket; nil where a worker serves, or the keeper answers already.
    mutating func answerForDead(_ name: UserName) -> SocketID? {
        guard let left = remains[name], let face = left.face, face.standIn == nil, left.isDead else { return nil }
        remains[name]?.face?.standIn = .restarting
        return face.socket
    }

    // MARK: a user is known

    mutating func takeHold(_ name: UserName) -> String? { holds.removeValue(forKey: name) }
    mutating func takeVersion(_ name: UserName) -> KeptVersion? { versions.removeValue(forKey: name) }
    mutating func takeRemains(_ name: UserName) -> Remains? { remains.removeValue(forKey: name) }

    mutating func count(adopted count: Int) {
        adopted += count
    }

    /// All present users have been named: versions of others are of no use any more.
    ///
    /// - Returns: whether there were any.
    mutating func forgetVersions(except present: Set<UserName>) -> Bool {
        let before = versions.count
        versions = versions.filter { present.contains($0.key) || remains[$0.key] != nil }
        return versions.count < before
    }

    // MARK: for the next master

    mutating func keepVersionsSoon(_ now: Instant) {
        deadline = deadline ?? now + Self.keepDelay
    }

    mutating func versionsKept() {
        deadline = nil
    }
}
