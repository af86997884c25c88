// A connection that carries packets: framing, descriptors and a bounded send queue over one non-blocking stream socket.

import CLinux
import DequeModule
import Glibc
import Shared

/// Why a connection has to be given up. Whatever it is, it costs that connection only.
public enum ChannelError: Error, Equatable, CustomStringConvertible {
    case closed
    case truncated
    case overflow(Int)
    case missingDescriptor

    public var description: String {
        switch self {
        case .closed: "the channel was closed by the other side"
        case .truncated: "the channel was closed in the middle of a frame"
        case .overflow(let bytes): "\(bytes) bytes are not taken by the other side"
        case .missingDescriptor: "a message came without its descriptor"
        }
    }
}

/// One end of a connection.
///
/// Sending queues and writes what the socket takes; the rest is written by `flush` when the socket is writable again.
/// Any error that is thrown means that the connection cannot be used any longer.
public final class Channel<Incoming: Message, Outgoing: Message> {
    public struct Received {
        public let packet: Packet<Incoming>
        /// Nil for one that carries none, and where there was no room for it in this process.
        public let descriptor: Descriptor?
    }

    private struct Chunk {
        var bytes: [UInt8]
        var sent = 0
        var descriptor: Descriptor?
    }

    public let descriptor: Descriptor
    private let bound: Int
    private var decoder = FrameDecoder()
    /// Nil stands for one that found no room.
    private var arrived = Deque<Descriptor?>()
    private var queue = Deque<Chunk>()
    private var queued = 0
    private var buffer: [UInt8]

    /// - Parameters:
    ///   - bound: of what may wait to be sent, in bytes.
    ///   - portion: how many bytes are received at a time.
    public init(_ descriptor: Descriptor, bound: Int = 16 << 20, portion: Int = 64 * 1024) {
        self.descriptor = descriptor
        self.bound = bound
        buffer = [UInt8](repeating: 0, count: portion)
    }

    /// What the descriptor has to be watched for now.
    public var interest: Readiness { queue.isEmpty ? .readable : [.readable, .writable] }

    /// Whether everything has been handed to the kernel.
    public var isFlushed: Bool { queue.isEmpty }

    /// - Parameter attachment: travels with a message that carries a descriptor; the other side gets a copy.
    /// - Throws: `ChannelError.overflow`, `SystemError` or `WireError.oversized`.
    public func send(_ packet: Packet<Outgoing>, with attachment: Descriptor? = nil) throws {
        try enqueue(packet, attachment)
        if queue.count == 1 { try flush() }
    }

    /// Sends many at once: the other side is woken up once.
    public func send(_ messages: [Outgoing]) throws {
        for message in messages { try enqueue(.body(message), nil) }
        try flush()
    }

    /// Queues a message for the next `flush`.
    ///
    /// - Throws: as `send`.
    public func post(_ message: Outgoing, with attachment: Descriptor? = nil) throws {
        try enqueue(.body(message), attachment)
    }

    private func enqueue(_ packet: Packet<Outgoing>, _ attachment: Descriptor?) throws {
        var bytes: [UInt8] = []
        try Frame.append(to: &bytes) { try packet.write(to: &$0) }
        queued += bytes.count
        guard queued <= bound else { throw ChannelError.overflow(queued) }
        // Descriptors go with the first byte of a write, so a message with one begins a chunk of its own.
        if attachment == nil, let last = queue.indices.last, queue[last].bytes.count < 64 * 1024 {
            queue[last].bytes.append(contentsOf: bytes)
        } else {
            queue.append(Chunk(bytes: bytes, descriptor: attachment))
        }
    }

    public func send(_ message: Outgoing, with attachment: Descriptor? = nil) throws {
        try send(.body(message), with: attachment)
    }

    /// Writes what the socket takes.
    public func flush() throws {
        while let chunk = queue.first {
            let sent = try chunk.bytes[chunk.sent...].withUnsafeBytes { bytes in
                try attemptOnPeer("sendmsg") {
                    var attached = chunk.descriptor?.number ?? -1
                    return clinux_send(
                        descriptor.number, bytes.baseAddress, bytes.count, &attached, attached < 0 ? 0 : 1)
                }
            }
            guard let sent else { return }
            queued -= sent
            if chunk.sent + sent == chunk.bytes.count {
                queue.removeFirst()
            } else {
                queue[0].sent += sent
                queue[0].descriptor = nil
            }
        }
    }

    /// What has arrived, at most one buffer of it; the rest keeps the descriptor readable.
    ///
    /// - Throws: `ChannelError.closed` at the end of the stream, after everything before it was answered by an earlier
    ///   call; `WireError` for bytes that are no packets.
    public func receive() throws -> [Received] {
        var numbers = [Int32](repeating: -1, count: 16)
        var count: Int32 = 0
        let size = try buffer.withUnsafeMutableBytes { bytes in
            try attemptOnPeer("recvmsg") {
                clinux_receive(descriptor.number, bytes.baseAddress, bytes.count, &numbers, 16, &count)
            }
        }
        guard let size else { return [] }
        arrived.append(contentsOf: numbers.prefix(Int(count)).map { $0 < 0 ? nil : Descriptor(owning: $0) })
        guard size > 0 else { throw decoder.isAtBoundary ? ChannelError.closed : ChannelError.truncated }
        decoder.append(buffer[..<size])
        var received: [Received] = []
        while let payload = try decoder.next() {
            let packet = try Packet<Incoming>(payload: payload)
            received.append(Received(packet: packet, descriptor: try attachment(of: packet)))
        }
        return received
    }

    /// A peer that ended without reading everything counts as closed.
    private func attemptOnPeer(_ call: String, _ body: () -> Int) throws -> Int? {
        do {
            return try attempt(call, body)
        } catch let error as SystemError where error.code == EPIPE || error.code == ECONNRESET {
            throw ChannelError.closed
        }
    }

    private func attachment(of packet: Packet<Incoming>) throws -> Descriptor? {
        guard packet.carriesDescriptor else { return nil }
        guard let descriptor = arrived.popFirst() else { throw ChannelError.missingDescriptor }
        return descriptor
    }
}
