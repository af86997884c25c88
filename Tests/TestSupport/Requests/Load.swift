// A load on a service: many requests at a time, each counted by what became of it.

import NIOCore
import NIOPosix
import Shared
import SharedSystem
import Synchronization
import Testing

package struct LoadPlan: Sendable {
    package var request: Request
    /// Requests on their way at a time.
    package var connections = 4
    /// Requests a second, whatever the answers (an open loop); nil sends the next one when the last is answered.
    package var rate: Double?
    /// It ends by itself after so many requests, or so much time.
    package var limit = 1_000_000
    package var duration = Duration.seconds(600)
    /// The status that counts as success.
    package var expected = 200

    package init(_ request: Request) {
        self.request = request
    }
}

/// Runs from its creation until `stop`, or the end that its plan sets. Every request has a connection of its own, so
/// that each failure belongs to one request and nothing is repeated behind the test's back.
package final class Load: Sendable {
    private struct State: Sendable {
        var result: LoadResult
        var begun = 0
        var underWay = 0
        var isStopped = false
    }

    private let plan: LoadPlan
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let deadline: Instant
    private let state: Mutex<State>

    package init(_ plan: LoadPlan) {
        self.plan = plan
        deadline = .now() + plan.duration
        state = Mutex(State(result: LoadResult(expected: plan.expected)))
        let loop = group.next()
        if let rate = plan.rate {
            let pause = TimeAmount.nanoseconds(Int64(1_000_000_000 / rate))
            loop.scheduleRepeatedTask(initialDelay: .zero, delay: pause) { task in
                if self.isOver { task.cancel() } else { self.send(on: loop, again: false) }
            }
        } else {
            for _ in 0..<plan.connections { send(on: loop, again: true) }
        }
    }

    /// Requests that are answered, or have failed, by now.
    package var finished: Int { state.withLock { $0.result.total } }

    /// What has been counted by now.
    package var result: LoadResult { state.withLock { $0.result } }

    /// Waits until so many more requests are through.
    package func more(_ count: Int, within limit: Duration = .seconds(180)) async throws {
        let goal = finished + count
        try await eventually("\(goal) requests are through", within: limit) { finished >= goal }
    }

    /// Sends no further request, waits for those that are on their way, and answers what was counted.
    @discardableResult
    package func stop() async throws -> LoadResult {
        state.withLock { $0.isStopped = true }
        return try await finish()
    }

    /// Ends it after so many more requests. None of all of them may have failed.
    @discardableResult
    package func expectNoneFailed(
        after count: Int = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> LoadResult {
        try await more(count)
        let result = try await stop()
        #expect(result.failed == 0, "\(result)", sourceLocation: sourceLocation)
        return result
    }

    /// Waits until the load has ended by itself.
    package func finish() async throws -> LoadResult {
        try await eventually("the load ends", within: plan.duration + .seconds(60)) {
            isOver && state.withLock { $0.underWay == 0 }
        }
        try await group.shutdownGracefully()
        return result
    }

    private var isOver: Bool {
        Instant.now() >= deadline || state.withLock { $0.isStopped || $0.begun >= plan.limit }
    }

    /// - Parameter again: the end of this request is the start of the next one.
    private func send(on loop: any EventLoop, again: Bool) {
        guard !isOver else { return }
        let hasRoom = state.withLock { state in
            guard state.underWay < plan.connections else {
                state.result.postponed += 1
                return false
            }
            state.underWay += 1
            state.begun += 1
            return true
        }
        guard hasRoom else { return }
        let start = Instant.now()
        plan.request.send(on: loop).whenSuccess { outcome in
            let end = Instant.now()
            self.state.withLock { state in
                state.result.count(outcome, latency: end - start)
                state.underWay -= 1
            }
            if again { loop.execute { self.send(on: loop, again: true) } }
        }
    }
}
