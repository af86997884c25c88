// Which worker is checked next. Pure.
//
// The dispatch queue is first in, first out: a worker is taken from the head, checked, and put back at the tail.
// Because workers may have different intervals, it waits between its checks outside of the queue, until it is due;
// then it joins the tail. So the workers that are due are served in the order in which they became due, whatever their
// intervals, and a short interval cannot push others back. A suspect or changed worker joins the head. At most `bound`
// checks run at a time; while all places are taken the queue grows and keeps its order.
//
// A worker is in one place at most: waiting, queued or running. Waiting costs O(log n), everything else O(1).

import Shared
import SharedSystem

struct CheckQueue {
    private let bound: Int
    private var waiting = Timers<WorkerID>()
    private var queued = LinkedHashQueue<WorkerID, Void>()
    private var running: Set<WorkerID> = []

    init(bound: Int) {
        self.bound = bound
    }

    /// Lets a worker wait until it is due.
    mutating func wait(_ worker: WorkerID, until due: Instant) {
        remove(worker)
        waiting.set(worker, at: due)
    }

    /// Puts a worker at the head.
    mutating func urge(_ worker: WorkerID) {
        remove(worker)
        queued.prepend(worker, ())
    }

    mutating func remove(_ worker: WorkerID) {
        waiting.cancel(worker)
        queued.remove(worker)
        running.remove(worker)
    }

    func isRunning(_ worker: WorkerID) -> Bool {
        running.contains(worker)
    }

    /// The worker to be checked now, if there is one and a place for it. It is running from then on.
    mutating func take(_ now: Instant) -> WorkerID? {
        while let due = waiting.popDue(now) { queued.append(due, ()) }
        guard running.count < bound, let (worker, _) = queued.popFirst() else { return nil }
        running.insert(worker)
        return worker
    }

    /// When `take` has to be asked again; nil while nothing can be taken before another check has ended.
    mutating func next(_ now: Instant) -> Instant? {
        guard running.count < bound else { return nil }
        return queued.isEmpty ? waiting.next : now
    }
}
