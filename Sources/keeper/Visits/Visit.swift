// The course of one visitor's connection. Pure.
//
// A request is read whole before it is answered, because closing a connection with unread bytes resets it, and the
// visitor would see an error in place of the answer. What is too long, too slow or broken ends at a bound. After the
// answer this side is closed for writing, and what still comes is read for a moment, for the same reason.

import Shared

struct Visit {
    enum Event {
        /// Bytes came; the request's head, or the end of its body, was among them.
        case received(Int, head: RequestHead?, isWhole: Bool)
        /// Bytes came that are no HTTP.
        case malformed
        /// The visitor has closed its side.
        case ended
        /// The answer was handed to the kernel.
        case sent
        case deadline
        /// The connection failed.
        case broken
    }

    enum Action: Equatable {
        case answer(RequestHead)
        case refuse(Refusal)
        /// Close for writing.
        case shutDown
        case close
    }

    enum State: Equatable {
        /// Goes to body, answering or over.
        case head(bytes: Int)
        /// Goes to answering or over.
        case body(RequestHead, bytes: Int)
        /// Goes to lingering or over.
        case answering(hasEnded: Bool)
        /// Goes to over.
        case lingering(bytes: Int)
        case over
    }

    static let mostHead = 16 * 1024
    static let mostBody = 1024 * 1024
    static let mostLinger = 16 * 1024 * 1024
    static let headTime = Duration.seconds(5)
    static let bodyTime = Duration.seconds(1)
    static let answerTime = Duration.seconds(5)
    static let lingerTime = Duration.seconds(1)

    private(set) var state = State.head(bytes: 0)
    /// When `Event.deadline` is due.
    private(set) var deadline: Instant

    init(now: Instant) {
        deadline = now + Self.headTime
    }

    /// Whether what comes still matters.
    var isReading: Bool {
        switch state {
        case .head, .body: true
        case .answering, .lingering, .over: false
        }
    }

    mutating func step(_ event: Event, now: Instant) -> Action? {
        switch state {
        case .head(let bytes): stepHead(event, bytes, now)
        case .body(let head, let bytes): stepBody(event, head, bytes, now)
        case .answering(let hasEnded): stepAnswering(event, hasEnded, now)
        case .lingering(let bytes): stepLingering(event, bytes)
        case .over: nil
        }
    }

    private mutating func stepHead(_ event: Event, _ bytes: Int, _ now: Instant) -> Action? {
        switch event {
        case .received(let count, let head?, let isWhole):
            return begin(head, isWhole || head.expectsContinue, count, now)
        case .received(let count, nil, _):
            state = .head(bytes: bytes + count)
            return bytes + count > Self.mostHead ? refuse(.tooLarge, now) : nil
        case .malformed: return refuse(.malformed, now)
        case .deadline: return bytes == 0 ? close() : refuse(.tooSlow, now)
        case .ended, .broken: return close()
        case .sent: return nil
        }
    }

    private mutating func begin(_ head: RequestHead, _ isWhole: Bool, _ bytes: Int, _ now: Instant) -> Action? {
        if isWhole { return answer(head, now) }
        // Bytes of the head count towards the body here: the bound is one of many kilobytes.
        state = .body(head, bytes: bytes)
        deadline = now + Self.bodyTime
        return nil
    }

    private mutating func stepBody(_ event: Event, _ head: RequestHead, _ bytes: Int, _ now: Instant) -> Action? {
        switch event {
        case .received(let count, _, let isWhole):
            state = .body(head, bytes: bytes + count)
            return isWhole || bytes + count > Self.mostBody ? answer(head, now) : nil
        case .malformed: return refuse(.malformed, now)
        case .ended:
            defer { state = .answering(hasEnded: true) }
            return answer(head, now)
        case .deadline: return answer(head, now)
        case .broken: return close()
        case .sent: return nil
        }
    }

    private mutating func stepAnswering(_ event: Event, _ hasEnded: Bool, _ now: Instant) -> Action? {
        switch event {
        case .received, .malformed: return nil
        case .ended:
            state = .answering(hasEnded: true)
            return nil
        case .sent:
            if hasEnded { return close() }
            state = .lingering(bytes: 0)
            deadline = now + Self.lingerTime
            return .shutDown
        case .deadline, .broken: return close()
        }
    }

    private mutating func stepLingering(_ event: Event, _ bytes: Int) -> Action? {
        switch event {
        case .received(let count, _, _):
            state = .lingering(bytes: bytes + count)
            return bytes + count > Self.mostLinger ? close() : nil
        case .malformed, .sent: return nil
        case .ended, .deadline, .broken: return close()
        }
    }

    private mutating func answer(_ head: RequestHead, _ now: Instant) -> Action {
        state = .answering(hasEnded: false)
        deadline = now + Self.answerTime
        return .answer(head)
    }

    private mutating func refuse(_ refusal: Refusal, _ now: Instant) -> Action {
        state = .answering(hasEnded: false)
        deadline = now + Self.answerTime
        return .refuse(refusal)
    }

    private mutating func close() -> Action {
        state = .over
        return .close
    }
}
