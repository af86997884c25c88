import CLinux
import Glibc
import Testing

@testable import Shared
@testable import SharedSystem

/// The two ends of a connection, both of them non-blocking; bytes are written to and read from the raw end by hand.
private struct Pair {
    let channel: Channel<ControlRequest, ControlAnswer>
    let raw: Descriptor

    init(bound: Int = 16 << 20) throws {
        var ends: [Int32] = [-1, -1]
        try check("socketpair") { clinux_socketpair(&ends) }
        channel = Channel(Descriptor(owning: ends[0]), bound: bound)
        raw = Descriptor(owning: ends[1])
    }

    func write(_ bytes: [UInt8]) throws {
        let sent = try check("send") { send(raw.number, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
        #expect(sent == bytes.count)
    }

    /// What has come, up to a size; nil where there is nothing.
    func read(_ size: Int = 1 << 16) throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: size)
        return try attempt("read") { Glibc.read(raw.number, &buffer, size) }.map { Array(buffer[..<$0]) }
    }

    /// No more bytes will come from the raw end.
    func end() {
        shutdown(raw.number, Int32(SHUT_WR))
    }

    /// Every packet until nothing more is there.
    func receive() throws -> [Packet<ControlRequest>] {
        var packets: [Packet<ControlRequest>] = []
        while true {
            let received = try channel.receive()
            if received.isEmpty { return packets }
            packets += received.map(\.packet)
        }
    }
}

private func frame(_ packet: Packet<ControlRequest>) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try Frame.append(to: &bytes) { try packet.write(to: &$0) }
    return bytes
}

private func frame(_ payload: [UInt8]) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try Frame.append(to: &bytes) { $0.bytes.append(contentsOf: payload) }
    return bytes
}

private let hostileFrames: [(stream: String, error: WireError)] = [
    ("00000000", .oversized(0)),
    ("00010001", .oversized(65_537)),
    ("ffffffff", .oversized(4_294_967_295)),
    ("47455420", .oversized(0x4745_5420)),  // "GET ": a client speaks HTTP
    ("00000001 00", .unknownType(0)),
    ("00000001 0f", .unknownType(15)),
    ("00000001 ff", .unknownType(255)),
    ("00000002 1000", .trailing(1)),
    ("00000003 110005", .truncated),
    ("00000005 11 0002 c328", .invalid("UTF-8")),
    ("00000004 11 0001 2f", .invalid("user name '/'")),
]

@Suite struct ChannelTests {
    private let alice = UserName("alice") ?? UserName()

    @Test func piecesOfOneByteAreOnePacket() throws {
        let pair = try Pair()
        for byte in try frame(.body(.why(alice))).dropLast() {
            try pair.write([byte])
            #expect(try pair.channel.receive().isEmpty)
        }
        try pair.write([try #require(frame(.body(.why(alice))).last)])
        #expect(try pair.receive() == [.body(.why(alice))])
    }

    @Test func packetsOfOnePieceAreToldApart() throws {
        let pair = try Pair()
        try pair.write(try frame(.ping) + frame(.body(.status)) + frame(.body(.stop)))
        #expect(try pair.receive() == [.ping, .body(.status), .body(.stop)])
    }

    /// More than the socket takes at once: the rest goes out as it is read, in order and whole.
    @Test func manyMessagesArriveInOrder() throws {
        var ends: [Int32] = [-1, -1]
        try check("socketpair") { clinux_socketpair(&ends) }
        let sender = Channel<ControlRequest, ControlAnswer>(Descriptor(owning: ends[0]))
        let receiver = Channel<ControlAnswer, ControlRequest>(Descriptor(owning: ends[1]))
        let total = 20_000
        for index in 0..<total {
            try sender.send(.refused(TextLine("line \(index) " + String(repeating: "x", count: index % 200))))
        }
        #expect(!sender.isFlushed)
        #expect(sender.interest == [.readable, .writable])
        var next = 0
        while next < total {
            for received in try receiver.receive() {
                guard case .body(.refused(let line)) = received.packet else {
                    Issue.record("not a line: \(received.packet)")
                    return
                }
                #expect(line.text.hasPrefix("line \(next) "))
                next += 1
            }
            try sender.flush()
        }
        #expect(sender.isFlushed)
        #expect(sender.interest == .readable)
    }

    /// Descriptors among messages with and without one, more of them than one read takes: each message gets its own.
    @Test func descriptorsComeWithTheirMessages() throws {
        var ends: [Int32] = [-1, -1]
        try check("socketpair") { clinux_socketpair(&ends) }
        let sender = Channel<FromKeeper, ToKeeper>(Descriptor(owning: ends[0]))
        let receiver = Channel<ToKeeper, FromKeeper>(Descriptor(owning: ends[1]))
        let total: UInt64 = 300
        var seen: UInt64 = 0
        for generation in 0..<total {
            var pipe: [Int32] = [-1, -1]
            try check("pipe2") { clinux_pipe(&pipe) }
            let (read, write) = (Descriptor(owning: pipe[0]), Descriptor(owning: pipe[1]))
            let mark = withUnsafeBytes(of: generation.bigEndian) { Array($0) }
            try check("write") { Glibc.write(write.number, mark, mark.count) }
            let worker = WorkerID(user: alice, generation: generation)
            let socket = SocketID(of: worker)
            try sender.send(.quiet(socket))
            try sender.send(.output(worker), with: read)
            try sender.send(.ping)
            if generation % 7 == 0 { try expect(from: receiver, &seen) }
        }
        while seen < total {
            try sender.flush()
            try expect(from: receiver, &seen)
        }
    }

    private func expect(from receiver: Channel<ToKeeper, FromKeeper>, _ seen: inout UInt64) throws {
        for received in try receiver.receive() {
            guard case .body(.output(let worker)) = received.packet else {
                #expect(received.descriptor == nil)
                continue
            }
            #expect(worker.generation == seen)
            let descriptor = try #require(received.descriptor)
            var mark = [UInt8](repeating: 0, count: 8)
            try check("read") { Glibc.read(descriptor.number, &mark, 8) }
            #expect(mark.reduce(0) { $0 << 8 | UInt64($1) } == seen)
            #expect(fcntl(descriptor.number, F_GETFD) & FD_CLOEXEC != 0)
            seen += 1
        }
    }

    @Test func messageWithoutItsDescriptorIsRefused() throws {
        var ends: [Int32] = [-1, -1]
        try check("socketpair") { clinux_socketpair(&ends) }
        let sender = Channel<FromKeeper, ToKeeper>(Descriptor(owning: ends[0]))
        let receiver = Channel<ToKeeper, FromKeeper>(Descriptor(owning: ends[1]))
        try sender.send(.keep(SocketID(user: alice, generation: 1)))
        #expect(throws: ChannelError.missingDescriptor) { try receiver.receive() }
    }

    /// A peer that does not read costs at most the bound.
    @Test func queueOfAPeerThatDoesNotReadOverflows() throws {
        let bound = 1 << 20
        let pair = try Pair(bound: bound)
        let line = TextLine(String(repeating: "x", count: 1000))
        var sent = 0
        let error = #expect(throws: ChannelError.self) {
            while sent < 10_000 {
                try pair.channel.send(.refused(line))
                sent += 1
            }
        }
        guard case .overflow(let size) = error else {
            Issue.record("no overflow but \(String(describing: error))")
            return
        }
        #expect(size > bound && size < bound + 2000)
        #expect(sent >= bound / 1007)
    }

    @Test func tooLongAMessageIsNotSent() throws {
        let pair = try Pair()
        var status = UserStatus()
        status.reason = String(repeating: "x", count: 60_000)
        status.lastExit = String(repeating: "x", count: 60_000)
        #expect(throws: WireError.self) { try pair.channel.send(.user(status)) }
        try pair.channel.send(.done)
        #expect(try pair.read().map(hex) == "0000000110")
    }

    @Test func endAtABoundaryIsClosed() throws {
        let pair = try Pair()
        try pair.write(try frame(.body(.status)))
        pair.end()
        #expect(try pair.channel.receive().map(\.packet) == [.body(.status)])
        #expect(throws: ChannelError.closed) { try pair.channel.receive() }
    }

    @Test func endWithinAFrameIsTruncated() throws {
        let whole = try frame(.body(.why(alice)))
        for size in 1..<whole.count {
            let pair = try Pair()
            try pair.write(Array(whole.prefix(size)))
            pair.end()
            #expect(try pair.channel.receive().isEmpty)
            #expect(throws: ChannelError.truncated) { try pair.channel.receive() }
        }
    }

    @Test func peerThatIsGoneEndsSending() throws {
        let pair = try Pair()
        shutdown(pair.raw.number, Int32(SHUT_RDWR))
        #expect(throws: ChannelError.closed) { try pair.channel.send(.done) }
    }

    @Test(arguments: hostileFrames)
    func hostileFrameIsRefused(stream: String, error: WireError) throws {
        let pair = try Pair()
        try pair.write(bytes(stream))
        #expect(throws: error) { try pair.channel.receive() }
    }

    @Test func whatCameBeforeAFaultIsLostWithIt() throws {
        let pair = try Pair()
        try pair.write(try frame(.body(.status)) + bytes("00000001ff"))
        #expect(throws: WireError.unknownType(255)) { try pair.channel.receive() }
    }

    /// Random streams in random pieces: packets, or one of the errors that cost the connection; never a crash, never
    /// a wait.
    @Test(arguments: 0..<64)
    func randomBytesNeverCrash(seed: Int) throws {
        var numbers = FixedNumbers(seed: UInt64(seed))
        let pair = try Pair()
        do {
            for _ in 0..<200 {
                let size = Int.random(in: 1...300, using: &numbers)
                var piece = (0..<size).map { _ in UInt8.random(in: 0...255, using: &numbers) }
                // Every other piece is a well-formed frame, so that the decoder behind it is reached as well.
                if Bool.random(using: &numbers) {
                    piece[0] = UInt8.random(in: 16...22, using: &numbers)
                    piece = try frame(piece)
                }
                try pair.write(piece)
                _ = try pair.receive()
            }
        } catch is WireError {
        } catch is ChannelError {}
    }
}
