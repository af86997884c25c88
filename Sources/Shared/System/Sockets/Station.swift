// A watcher's own end of its channel to master.

import Glibc
import Logging
import Shared

/// The place where a watcher stands: connected to master through fd 3, or run by hand, where every report is printed.
///
/// Master passes the watcher's generation in STEWARD_WATCHER; without it the watcher was started by hand.
public final class Station<Orders: Message, Report: Message> {
    public static var descriptor: Int32 { 3 }

    public let log: Logger
    /// Whether master has told this watcher to leave.
    public private(set) var isDismissed = false
    private let kind: WatcherKind
    /// Nil by hand.
    private let generation: UInt64?
    private var channel: Channel<Orders, Report>?
    /// What the channel's descriptor is watched for now.
    private var watchedFor: Readiness = []

    /// Says hello where there is a master.
    public init(_ kind: WatcherKind) throws {
        self.kind = kind
        log = .steward(kind.description)
        // A peer that is gone is told by EPIPE.
        signal(SIGPIPE, SIG_IGN)
        guard let text = getenv("STEWARD_WATCHER"), let generation = UInt64(String(cString: text)) else {
            generation = nil
            return
        }
        self.generation = generation
        _ = fcntl(Self.descriptor, F_SETFD, FD_CLOEXEC)
        try meet(Descriptor(owning: Self.descriptor))
    }

    public var isByHand: Bool { generation == nil }
    public var hasMaster: Bool { channel != nil }

    /// Says hello to the master at the other end of `descriptor`.
    public func meet(_ descriptor: Descriptor) throws {
        let channel = Channel<Orders, Report>(descriptor)
        self.channel = channel
        try channel.send(.hello(Hello(kind: kind, pid: getpid(), generation: generation ?? 0)))
    }

    /// Gives up the channel: its master is gone.
    public func part<Source>(_ poller: Poller<Source>) {
        if let channel { poller.remove(channel.descriptor.number) }
        channel = nil
    }

    /// Gives master something that the keeper holds.
    public func handOver(_ handover: Handover, _ descriptor: Descriptor) throws {
        try channel?.send(.handover(handover), with: descriptor)
    }

    public func endHandover() throws {
        try channel?.send(.handedOver)
    }

    /// Whether every report has been handed to the kernel.
    public var isFlushed: Bool { channel?.isFlushed ?? true }

    /// Starts to watch the channel; nothing to do by hand.
    public func join<Source>(_ poller: Poller<Source>, as source: Source) throws {
        guard let channel else { return }
        try poller.add(channel.descriptor.number, channel.interest, as: source)
        watchedFor = channel.interest
    }

    private func watch<Source>(_ channel: Channel<Orders, Report>, _ poller: Poller<Source>) throws {
        guard channel.interest != watchedFor else { return }
        try poller.change(channel.descriptor.number, channel.interest)
        watchedFor = channel.interest
    }

    /// Sends a report, or prints it as one line.
    public func report<Source>(_ message: Report, _ poller: Poller<Source>) throws {
        try report([message], poller)
    }

    /// Sends reports, or prints each as one line: all of them at once, because each write wakes up the reader.
    public func report<Source>(_ messages: [Report], _ poller: Poller<Source>) throws {
        guard !messages.isEmpty else { return }
        if let channel {
            try say { try channel.send(messages) }
            try watch(channel, poller)
        } else {
            let time = rfc3339(wallClock())
            for message in messages { print(time, Self.line(message)) }
            fflush(nil)
        }
    }

    /// The orders that have come. A ping is answered here.
    ///
    /// - Throws: `ChannelError.closed` when master is gone: the watcher ends then.
    public func receive<Source>(
        _ readiness: Readiness, _ poller: Poller<Source>
    ) throws -> [(order: Orders, descriptor: Descriptor?)] {
        guard let channel else { return [] }
        if readiness.contains(.writable) { try say { try channel.flush() } }
        var orders: [(Orders, Descriptor?)] = []
        if !readiness.isDisjoint(with: [.readable, .hangup]) {
            for received in try channel.receive() {
                switch received.packet {
                case .ping: try say { try channel.send(.pong) }
                case .leave: isDismissed = true
                case .hello, .pong, .handover, .handedOver: throw WireError.invalid("packet for a watcher")
                case .body(let order): orders.append((order, received.descriptor))
                }
            }
        }
        try watch(channel, poller)
        return orders
    }

    /// Says something to a master that may be gone: its end is found where its last words have been read.
    private func say(_ body: () throws -> Void) throws {
        do { try body() } catch ChannelError.closed {}
    }

    private static func line(_ message: Report) -> String {
        (message as? any CustomStringConvertible)?.description ?? "\(message)"
    }
}

/// Runs a watcher's body. The end of the channel is a clean end; anything else is one line and exit code 1: master
/// starts the watcher again.
public func runWatcher(_ kind: WatcherKind, _ body: () throws -> Void) -> Never {
    do {
        try body()
        exit(0)
    } catch ChannelError.closed {
        exit(0)
    } catch {
        Logger.steward(kind.description).error("\(error)")
        exit(1)
    }
}
