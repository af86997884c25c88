// What a user has several of, one after another: each is known by its number.
//
// Workers and sockets are numbered by one counter for each user, and are written alike: as NAME.NUMBER in paths, logs and
// messages. They are two types, because a number does not say which of the two it stands for.

public protocol NumberedID: Hashable, Sendable, CustomStringConvertible, WireValue {
    var user: UserName { get set }
    var generation: UInt64 { get set }

    init(user: UserName, generation: UInt64)
}

extension NumberedID {
    /// The blank that a reader overwrites.
    public init() {
        self.init(user: UserName(), generation: 0)
    }

    public var description: String { "\(user).\(generation)" }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&user)
        try coder.field(&generation)
    }
}

/// One process of a user: a late report about a dead predecessor is told by its generation.
public struct WorkerID: NumberedID {
    public var user: UserName
    public var generation: UInt64

    public init(user: UserName, generation: UInt64) {
        self.user = user
        self.generation = generation
    }
}

/// One listening socket of a user, in RUNTIME/sockets.
public struct SocketID: NumberedID {
    public var user: UserName
    public var generation: UInt64

    public init(user: UserName, generation: UInt64) {
        self.user = user
        self.generation = generation
    }

    /// The socket that is made for a worker: it has the worker's number.
    public init(of worker: WorkerID) {
        self.init(user: worker.user, generation: worker.generation)
    }
}
