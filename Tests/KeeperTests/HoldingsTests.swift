import Shared
import SharedSystem
import Testing

@testable import keeper

@Suite struct HoldingsTests {
    private let worker = WorkerID(user: UserName("alice") ?? UserName(), generation: 3)
    private let socket = SocketID(user: UserName("alice") ?? UserName(), generation: 3)
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
        case .close: "shut"
        case .forgetWhenEmpty: "let go when empty"
        case .read: "read"
        case .stopReading: "stop reading"
        case .beginJournal: "begin journal"
        case .record: "record"
        case .complain: "complain"
        }
    }

    @Test mutating func answeringAndQuiet() {
        #expect(follow(.keep(socket), descriptor()) == [])
        #expect(follow(.answer(StandIn(socket, .starting))) == ["open"])
        #expect(follow(.answer(StandIn(socket, .database))) == [])
        #expect(holdings.sockets[socket]?.duty == .answering(.database))
        #expect(follow(.quiet(socket)) == ["shut"])
        #expect(follow(.quiet(socket)) == [])
        #expect(holdings.sockets[socket]?.duty == Holdings.Duty.none)
    }

    @Test mutating func retirement() {
        _ = follow(.keep(socket), descriptor())
        #expect(follow(.retire(StandIn(socket, .stopping))) == ["open", "let go when empty"])
        #expect(holdings.forget(socket).map(Self.word) == ["shut"])
        #expect(holdings.sockets.isEmpty)
    }

    @Test mutating func retirementOfOneThatAnswers() {
        _ = follow(.keep(socket), descriptor())
        _ = follow(.answer(StandIn(socket, .starting)))
        #expect(follow(.retire(StandIn(socket, .starting))) == ["let go when empty"])
        #expect(follow(.answer(StandIn(socket, .held))) == [])
        #expect(holdings.sockets[socket]?.duty == .answering(.held))
    }

    @Test mutating func keepingAnewReplaces() {
        _ = follow(.keep(socket), descriptor())
        _ = follow(.answer(StandIn(socket, .starting)))
        let newer = descriptor()
        #expect(follow(.keep(socket), newer) == ["shut"])
        #expect(holdings.sockets[socket]?.listener === newer)
        #expect(holdings.sockets[socket]?.duty == Holdings.Duty.none)
    }

    @Test mutating func unknownSocketsAreComplainedAbout() {
        #expect(follow(.answer(StandIn(socket, .starting))) == ["complain"])
        #expect(follow(.quiet(socket)) == ["complain"])
        #expect(follow(.retire(StandIn(socket, .starting))) == ["complain"])
        #expect(follow(.keep(socket)) == ["complain"])
        #expect(holdings.sockets.isEmpty)
    }

    @Test mutating func outputs() {
        #expect(follow(.output(worker), descriptor()) == ["read"])
        #expect(follow(.output(worker), descriptor()) == ["stop reading", "read"])
        #expect(holdings.ended(output: worker).map(Self.word) == ["stop reading"])
        #expect(holdings.ended(output: worker).map(Self.word) == [])
    }
}
