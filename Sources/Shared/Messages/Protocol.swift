// The protocol between Steward's processes: its version, its envelope and which process may say what.
//
// A frame is four bytes of length, big-endian, and a payload of at most 64 KiB: one byte that names the type, and the
// fields of that type (`Wire`). Types below 16 belong to the link itself (hello, ping, pong, the hand-over of a
// keeper) and are the same in every direction. Types from 16 on are numbered for each direction on its own
// (`WatcherMessages`, `ControlMessages`). One list of fields serves for reading and writing, and one list of numbers
// for the messages of a direction. What the operator reads is sent as values, which `steward` puts into words or JSON;
// only the texts of events, causes and refusals are master's. Descriptors travel with the message that names them
// (SCM_RIGHTS). A frame that is too long, too short or unknown costs the connection that it arrived on. Send queues
// are bounded. Golden bytes in the tests pin every message.
//
// History: 1, the first version. 2, the keeper outlives master: hand-over, leave, the notify socket; the event
// journal. 3, the users' folder as a whole, deletions that are held back. 4, a server's max_connections, limits of
// memory, core dumps and the nice value, the configuration changes while master runs, packages. 5, answers to the
// operator are values in place of lines.

public let protocolVersion: UInt32 = 5

/// Steward's own version: what `--version` and hello tell.
public let stewardVersion = "0.1.0"

/// A watcher: a separate process that reports to master over fd 3. The order is the order of their start.
public enum WatcherKind: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case keeper = 1
    case pathwatch
    case dbwatch
    case dispatch

    public var description: String {
        switch self {
        case .keeper: "keeper"
        case .pathwatch: "pathwatch"
        case .dbwatch: "dbwatch"
        case .dispatch: "dispatch"
        }
    }
}

/// The first message of a watcher.
public struct Hello: WireValue {
    public var version = protocolVersion
    public var kind = WatcherKind.keeper
    public var pid: Int32 = 0
    /// Counts the watchers of this kind that this master has started: given to it, and given back.
    public var generation: UInt64 = 0

    public init() {}

    public init(kind: WatcherKind, pid: Int32, generation: UInt64) {
        self.kind = kind
        self.pid = pid
        self.generation = generation
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&version)
        try coder.field(&kind)
        try coder.field(&pid)
        try coder.field(&generation)
    }
}

/// What one peer says to another.
public protocol Message: CaseList {
    /// Whether a descriptor travels with this message.
    var carriesDescriptor: Bool { get }
}

extension Message {
    public var carriesDescriptor: Bool { false }

    /// Writes its type and its fields.
    public func write(to writer: inout WireWriter) throws { try writeCase(to: &writer) }
}

/// One of the things that a keeper holds, with its descriptor. This form, `hello`, `handedOver` and `leave` stay as they
/// are in every version: a master of any version can take over from a keeper of any other.
public struct Handover: WireValue {
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// A listening socket; the keeper does not answer there.
        case socket = 1
        /// A listening socket on which the keeper answers.
        case standIn
        /// A socket that nothing points to any more: the keeper answers the requests that are left.
        case retiring
        /// The read end of a worker's output.
        case output
        /// RUNTIME/notify.
        case notify
    }

    public var kind = Kind.socket
    /// Of the socket, or of the worker; nil for `notify`.
    private var id: WorkerID?
    /// A `StandInReason` where the keeper answers, else 0; a later version may know more of them.
    public var reason: UInt8 = 0

    public init() {}

    private init(_ kind: Kind, user: UserName, generation: UInt64, reason: UInt8 = 0) {
        self.kind = kind
        id = WorkerID(user: user, generation: generation)
        self.reason = reason
    }

    private init(_ kind: Kind, _ held: StandIn) {
        self.init(
            kind, user: held.socket.user, generation: held.socket.generation, reason: held.reason.rawValue)
    }

    public init(socket: SocketID) {
        self.init(.socket, user: socket.user, generation: socket.generation)
    }

    public init(standIn: StandIn) {
        self.init(.standIn, standIn)
    }

    public init(retiring: StandIn) {
        self.init(.retiring, retiring)
    }

    public init(output worker: WorkerID) {
        self.init(.output, user: worker.user, generation: worker.generation)
    }

    public static var notify: Handover {
        var notify = Handover()
        notify.kind = .notify
        return notify
    }

    /// The socket that it is, where it is one.
    public var socket: SocketID? {
        switch kind {
        case .socket, .standIn, .retiring: id.map(SocketID.init(of:))
        case .output, .notify: nil
        }
    }

    /// The worker whose output it is, where it is one.
    public var worker: WorkerID? {
        switch kind {
        case .output: id
        case .socket, .standIn, .retiring, .notify: nil
        }
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&kind)
        try coder.field(&id)
        try coder.field(&reason)
    }
}

/// A message of the link, or one of its peers.
public enum Packet<Body: Message>: CaseList {
    case hello(Hello)
    case ping
    case pong
    /// From a keeper, after its hello to a master that has connected to it: a thing that it holds.
    case handover(Handover)
    /// That was all.
    case handedOver
    /// To a keeper: finish with the present visitors, and end. Another watcher ends with its channel.
    case leave
    case body(Body)

    public var carriesDescriptor: Bool {
        switch self {
        case .hello, .ping, .pong, .handedOver, .leave: false
        case .handover: true
        case .body(let body): body.carriesDescriptor
        }
    }

    public static func cases(_ coder: inout some CaseCoder<Self>) throws {
        try coder.value(1, Self.hello) { if case .hello(let value) = $0 { value } else { nil } }
        try coder.bare(2, .ping)
        try coder.bare(3, .pong)
        try coder.value(4, Self.handover) { if case .handover(let value) = $0 { value } else { nil } }
        try coder.bare(5, .handedOver)
        try coder.bare(6, .leave)
    }

    /// - Throws: `WireError.unknownType`, or what is wrong with the fields.
    public init(payload: ArraySlice<UInt8>) throws {
        var reader = WireReader(payload)
        var type: UInt8 = 0
        try reader.field(&type)
        if let packet = try Self.read(type, from: &reader) {
            self = packet
        } else if let body = try Body.read(type, from: &reader) {
            self = .body(body)
        } else {
            throw WireError.unknownType(type)
        }
        try reader.finish()
    }

    public func write(to writer: inout WireWriter) throws {
        if case .body(let body) = self { try body.write(to: &writer) } else { try writeCase(to: &writer) }
    }
}
