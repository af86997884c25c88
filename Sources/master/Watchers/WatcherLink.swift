// Master's ends of the channels to its watchers.

import Policy
import Shared
import SharedSystem

/// The channel to one watcher, whichever its kind.
protocol WatcherLink: AnyObject {
    var generation: UInt64 { get }
    var descriptor: Descriptor { get }
    var interest: Readiness { get }
    /// What the descriptor is watched for now.
    var watchedFor: Readiness { get set }
    /// Set when the snapshot has been sent: only then a single message makes sense.
    var isSynchronised: Bool { get set }
    /// What it may still say.
    var budget: ReportBudget { get set }
    func ping() throws
    func flush() throws
    func receive() throws -> [WatcherReport]
}

/// What a watcher says, in the form that the Supervisor takes.
protocol Reporting {
    var report: WatcherReport { get }
}

extension FromKeeper: Reporting {
    var report: WatcherReport {
        switch self {
        case .journaled(let mark): .journaled(mark)
        }
    }
}

extension FromPathwatch: Reporting {
    var report: WatcherReport { .path(self) }
}

extension FromDBWatch: Reporting {
    var report: WatcherReport {
        switch self {
        case .report(let report): .database(report)
        }
    }
}

extension FromDispatch: Reporting {
    var report: WatcherReport {
        switch self {
        case .verdict(let verdict): .verdict(verdict)
        }
    }
}

final class TypedLink<Incoming: Message & Reporting, Outgoing: Message>: WatcherLink {
    let generation: UInt64
    var isSynchronised = false
    var budget = ReportBudget()
    var watchedFor = Readiness.readable
    private let channel: Channel<Incoming, Outgoing>

    init(_ descriptor: Descriptor, generation: UInt64) {
        // Some fifteen users at a time: between them launch is heard, or it would have nothing to do while hundreds come.
        channel = Channel(descriptor, portion: 2 * 1024)
        self.generation = generation
    }

    var descriptor: Descriptor { channel.descriptor }
    var interest: Readiness { channel.interest }

    func ping() throws { try channel.send(.ping) }
    func flush() throws { try channel.flush() }

    /// Asks the watcher to finish and to end.
    func dismiss() throws { try channel.send(.leave) }

    func send(_ message: Outgoing, with attachment: Descriptor? = nil) throws {
        try channel.send(message, with: attachment)
    }

    /// As `send`, at the end of this turn of the loop.
    func post(_ message: Outgoing, with attachment: Descriptor? = nil) throws {
        try channel.post(message, with: attachment)
    }

    func receive() throws -> [WatcherReport] {
        try channel.receive().map { received in
            switch received.packet {
            case .hello(let hello): .hello(hello)
            case .ping, .leave, .handover, .handedOver: throw WireError.invalid("packet of a watcher")
            case .pong: .alive
            case .body(let body): body.report
            }
        }
    }
}

/// The channels that are open now.
struct WatcherLinks {
    var keeper: TypedLink<FromKeeper, ToKeeper>?
    var pathwatch: TypedLink<FromPathwatch, ToPathwatch>?
    var dbwatch: TypedLink<FromDBWatch, ToDBWatch>?
    var dispatch: TypedLink<FromDispatch, ToDispatch>?

    subscript(kind: WatcherKind) -> (any WatcherLink)? {
        switch kind {
        case .keeper: keeper
        case .pathwatch: pathwatch
        case .dbwatch: dbwatch
        case .dispatch: dispatch
        }
    }

    mutating func open(_ kind: WatcherKind, _ descriptor: Descriptor, generation: UInt64) {
        switch kind {
        case .keeper: keeper = TypedLink(descriptor, generation: generation)
        case .pathwatch: pathwatch = TypedLink(descriptor, generation: generation)
        case .dbwatch: dbwatch = TypedLink(descriptor, generation: generation)
        case .dispatch: dispatch = TypedLink(descriptor, generation: generation)
        }
    }

    mutating func close(_ kind: WatcherKind) {
        switch kind {
        case .keeper: keeper = nil
        case .pathwatch: pathwatch = nil
        case .dbwatch: dbwatch = nil
        case .dispatch: dispatch = nil
        }
    }
}
