import Shared
import Testing

@testable import dispatcher

private func at(_ seconds: Int) -> Instant { Instant(nanoseconds: Int64(seconds) * 1_000_000_000) }

func worker(_ number: Int) -> WorkerID {
    WorkerID(user: UserName("u\(number)") ?? UserName(), generation: 1)
}

@Suite struct CheckQueueTests {
    private var queue = CheckQueue(bound: 2)

    private mutating func takeAll(_ second: Int) -> [WorkerID] {
        var taken: [WorkerID] = []
        while let next = queue.take(at(second)) { taken.append(next) }
        return taken
    }

    private mutating func next(_ second: Int) -> Instant? { queue.next(at(second)) }

    @Test mutating func firstDueFirstServed() {
        for number in [3, 1, 2] { queue.wait(worker(number), until: at(number)) }
        #expect(next(0) == at(1))
        #expect(takeAll(0) == [])
        #expect(takeAll(5) == [worker(1), worker(2)])
        // All places are taken: the third keeps its place in the queue.
        #expect(next(5) == nil)
        queue.wait(worker(1), until: at(6))
        #expect(next(5) == at(5))
        #expect(takeAll(9) == [worker(3)])
    }

    @Test mutating func aShortIntervalDoesNotOvertake() {
        queue = CheckQueue(bound: 1)
        queue.wait(worker(1), until: at(1))
        queue.wait(worker(2), until: at(2))
        #expect(takeAll(2) == [worker(1)])
        queue.wait(worker(1), until: at(2))
        #expect(takeAll(2) == [worker(2)])
        queue.wait(worker(2), until: at(99))
        #expect(takeAll(2) == [worker(1)])
    }

    @Test mutating func theUrgentGoFirst() {
        for number in 1...3 { queue.wait(worker(number), until: at(1)) }
        queue.urge(worker(9))
        queue.urge(worker(3))
        #expect(takeAll(1) == [worker(3), worker(9)])
    }

    @Test mutating func aWorkerIsInOnePlace() {
        queue.wait(worker(1), until: at(1))
        queue.urge(worker(1))
        queue.urge(worker(1))
        #expect(takeAll(2) == [worker(1)])
        #expect(queue.isRunning(worker(1)))
        queue.remove(worker(1))
        #expect(!queue.isRunning(worker(1)))
        #expect(takeAll(9) == [])
        #expect(next(9) == nil)
    }
}
