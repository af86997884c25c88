import Shared
import SharedSystem
import Testing

@testable import keeper

@Suite struct HoldingsTests {
    private let worker = WorkerID(user: UserName("alice") ?? UserName(), generation: 3)
    private var holdings = Holdings()

    /// A descriptor for decisions that never touch it.
    private func descriptor() -> Descriptor { Descriptor(owning: -1) }

    /// The effects of an order, in words.
    private mutating func follow(_ order: ToKeeper, _ descriptor: Descriptor? = nil) -> [String] {
        holdings.follow(order, descriptor).map(Self.word)
    }

    private static func word(_ effect: Holdings.Effect) -> String {
        switch effect {
        case .open: "open"
        case .shut: "shut"
        case .letGoWhenEmpty: "let go when empty"
        case .read: "read"
        case .stopReading: "stop reading"
        case .beginJournal: "begin journal"
        case .record: "record"
        case .complain: "complain"
        }
    }

    @Test mutating func answeringAndQuiet() {
        #expect(follow(.keep(worker), descriptor()) == [])
        #expect(follow(.answer(StandIn(worker, .starting))) == ["open"])
        #expect(follow(.answer(StandIn(worker, .database))) == [])
        #expect(holdings.sockets[worker]?.duty == .answering(.database))
        #expect(follow(.quiet(worker)) == ["shut"])
        #expect(follow(.quiet(worker)) == [])
        #expect(holdings.sockets[worker]?.duty == Holdings.Duty.none)
    }

    @Test mutating func retirement() {
        _ = follow(.keep(worker), descriptor())
        #expect(follow(.retire(StandIn(worker, .stopping))) == ["open", "let go when empty"])
        #expect(holdings.letGo(worker).map(Self.word) == ["shut"])
        #expect(holdings.sockets.isEmpty)
    }

    @Test mutating func retirementOfOneThatAnswers() {
        _ = follow(.keep(worker), descriptor())
        _ = follow(.answer(StandIn(worker, .starting)))
        #expect(follow(.retire(StandIn(worker, .starting))) == ["let go when empty"])
        #expect(follow(.answer(StandIn(worker, .held))) == [])
        #expect(holdings.sockets[worker]?.duty == .answering(.held))
    }

    @Test mutating func keepingAnewReplaces() {
        _ = follow(.keep(worker), descriptor())
        _ = follow(.answer(StandIn(worker, .starting)))
        let newer = descriptor()
        #expect(follow(.keep(worker), newer) == ["shut"])
        #expect(holdings.sockets[worker]?.listener === newer)
        #expect(holdings.sockets[worker]?.duty == Holdings.Duty.none)
    }

    @Test mutating func unknownSocketsAreComplainedAbout() {
        #expect(follow(.answer(StandIn(worker, .starting))) == ["complain"])
        #expect(follow(.quiet(worker)) == ["complain"])
        #expect(follow(.retire(StandIn(worker, .starting))) == ["complain"])
        #expect(follow(.keep(worker)) == ["complain"])
        #expect(holdings.sockets.isEmpty)
    }

    @Test mutating func outputs() {
        #expect(follow(.output(worker), descriptor()) == ["read"])
        #expect(follow(.output(worker), descriptor()) == ["stop reading", "read"])
        #expect(holdings.ended(output: worker).map(Self.word) == ["stop reading"])
        #expect(holdings.ended(output: worker).map(Self.word) == [])
    }
}
