import Testing

@testable import Shared

/// A message as the test names it, the type of its direction, and its bytes.
struct Golden: Sendable, CustomTestStringConvertible {
    let name: String
    let type: UInt8
    let direction: Direction
    let encoded: @Sendable () throws -> [UInt8]
    let makesRoundTrip: @Sendable () throws -> Bool
    let hex: String

    var testDescription: String { "\(direction) \(name)" }

    init<Body: Message>(_ direction: Direction, _ message: Body, _ golden: String) {
        self.init(direction, Packet<Body>.body(message), golden)
    }

    init<Body: Message>(_ direction: Direction, _ packet: Packet<Body>, _ golden: String) {
        let golden = golden.filter { $0 != " " }
        self.direction = direction
        hex = golden
        type = bytes(golden).first ?? 0
        name = String("\(packet)".prefix(60))
        encoded = {
            var writer = WireWriter()
            try packet.write(to: &writer)
            return writer.bytes
        }
        makesRoundTrip = { try Packet<Body>(payload: bytes(golden)[...]) == packet }
    }
}

/// The sender and the receiver of a message.
enum Direction: CaseIterable, Sendable {
    case link, toKeeper, fromKeeper, toPathwatch, fromPathwatch, toDBWatch, fromDBWatch, toDispatch, fromDispatch
    case request, answer

    /// Decodes a payload as a receiver of this direction does.
    func decode(_ payload: [UInt8]) throws {
        switch self {
        case .link: _ = try Packet<NoMessage>(payload: payload[...])
        case .fromKeeper: _ = try Packet<FromKeeper>(payload: payload[...])
        case .toKeeper: _ = try Packet<ToKeeper>(payload: payload[...])
        case .toPathwatch: _ = try Packet<ToPathwatch>(payload: payload[...])
        case .fromPathwatch: _ = try Packet<FromPathwatch>(payload: payload[...])
        case .toDBWatch: _ = try Packet<ToDBWatch>(payload: payload[...])
        case .fromDBWatch: _ = try Packet<FromDBWatch>(payload: payload[...])
        case .toDispatch: _ = try Packet<ToDispatch>(payload: payload[...])
        case .fromDispatch: _ = try Packet<FromDispatch>(payload: payload[...])
        case .request: _ = try Packet<ControlRequest>(payload: payload[...])
        case .answer: _ = try Packet<ControlAnswer>(payload: payload[...])
        }
    }
}

/// What a link says before its peers say anything.
private enum NoMessage: Message {
    static func cases(_ coder: inout some CaseCoder<NoMessage>) throws {}
}

/// Its list of numbers lacks a case.
private enum ForgetfulMessage: Message {
    case listed, forgotten

    static func cases(_ coder: inout some CaseCoder<ForgetfulMessage>) throws {
        try coder.bare(16, .listed)
    }
}

@Suite struct MessageTests {
    @Test(arguments: goldenMessages)
    func bytesStayAsTheyAre(golden: Golden) throws {
        #expect(hex(try golden.encoded()) == golden.hex)
        #expect(try golden.makesRoundTrip())
    }

    /// A type that no receiver of this direction refuses is in the table above, and the other way round.
    @Test(arguments: Direction.allCases)
    func tableHasEveryTypeOfItsDirection(direction: Direction) {
        let link = goldenMessages.filter { $0.direction == .link }.map(\.type)
        let known = Set(link + goldenMessages.filter { $0.direction == direction }.map(\.type))
        for type in UInt8.min...UInt8.max {
            do {
                try direction.decode([type])
                #expect(known.contains(type))
            } catch WireError.unknownType(let unknown) {
                #expect(unknown == type)
                #expect(!known.contains(type))
            } catch {
                #expect(known.contains(type), "type \(type): \(error)")
            }
        }
    }

    @Test func aCaseWithoutANumberIsAnError() throws {
        var writer = WireWriter()
        try ForgetfulMessage.listed.write(to: &writer)
        #expect(throws: WireError.unnumbered) { try ForgetfulMessage.forgotten.write(to: &writer) }
        #expect(writer.bytes == [16], "what was written before is still there")
    }

    @Test(arguments: goldenMessages)
    func cutAndLengthenedMessagesAreRefused(golden: Golden) {
        let whole = bytes(golden.hex)
        for size in 0..<whole.count {
            #expect(throws: WireError.truncated) { try golden.direction.decode(Array(whole.prefix(size))) }
        }
        #expect(throws: WireError.trailing(1)) { try golden.direction.decode(whole + [0]) }
    }

    /// Each single bit turned over gives another message or a WireError, nothing else.
    @Test(arguments: goldenMessages)
    func turnedBitsNeverCrash(golden: Golden) {
        let whole = bytes(golden.hex)
        for bit in 0..<whole.count * 8 {
            var bytes = whole
            bytes[bit / 8] ^= 1 << (bit % 8)
            expectOnlyWireErrors { try golden.direction.decode(bytes) }
        }
    }

    @Test(arguments: Direction.allCases)
    func randomPayloadsNeverCrash(direction: Direction) {
        var numbers = FixedNumbers(seed: 1)
        for _ in 0..<5000 {
            var payload = (0..<Int.random(in: 1...80, using: &numbers)).map { _ in
                UInt8.random(in: 0...9, using: &numbers)
            }
            payload[0] = UInt8.random(in: 0...24, using: &numbers)
            expectOnlyWireErrors { try direction.decode(payload) }
        }
    }

    private func expectOnlyWireErrors(_ body: () throws -> Void) {
        do { try body() } catch { #expect(error is WireError) }
    }
}

/// A message's fields, set one by one.
func with<Value: WireValue>(_ value: Value = Value(), _ body: (inout Value) -> Void) -> Value {
    var value = value
    body(&value)
    return value
}
