// The connections of all watchdogs: carries out what the director decides, and turns readiness into events.

import Logging
import Shared
import SharedSystem

/// What the loop of dbwatch waits for.
enum Source: Sendable {
    case master
    case signals
    case names
    case session(Director.Key)
}

final class Sessions {
    typealias Key = Director.Key

    /// How a database is reached, and how it went.
    private struct Target {
        /// Nil: the conninfo is none.
        let parameters: Parameters?
        let timeout: Duration
        /// Connections in a row that were given up before they were made.
        var turn = 0
    }

    private struct Session {
        let connection: Connection
        /// As the poller knows it; -1 before it does.
        var socket: Int32 = -1
        var isConnected = false
        /// What the socket is watched for; nil before it is.
        var interest: Readiness?
    }

    private let poller: Poller<Source>
    private let resolver: Resolver
    private let log = Logger.steward("dbwatch")
    /// Whether it has been told that a connection cannot be made for want of something, since the last one that was.
    private var isShort = false
    private var targets: [String: Target] = [:]
    private var sessions: [Key: Session] = [:]
    /// Connections that wait for the addresses of their host names.
    private var unresolved: Set<Key> = []

    init(_ poller: Poller<Source>) throws {
        self.poller = poller
        resolver = try Resolver()
        try poller.add(resolver.descriptor.number, .readable, as: .names)
    }

    func know(_ name: String, conninfo: String, timeout: Duration) {
        targets[name] = Target(parameters: Parameters(conninfo: conninfo), timeout: timeout)
    }

    func forget(_ name: String) {
        targets[name] = nil
    }

    func connect(_ key: Key, _ now: Instant) -> [Director.Event] {
        close(key)
        unresolved.insert(key)
        return begin(key, now)
    }

    func ask(_ key: Key) -> [Director.Event] {
        guard let session = sessions[key] else { return [] }
        return events(of: session.connection.ask(), key)
    }

    func close(_ key: Key) {
        unresolved.remove(key)
        guard let session = sessions.removeValue(forKey: key) else { return }
        if !session.isConnected { targets[key.database]?.turn += 1 }
        poller.remove(session.socket)
    }

    /// The socket of a connection is ready.
    func advance(_ key: Key) -> [Director.Event] {
        guard let session = sessions[key] else { return [] }
        return events(of: session.connection.advance(), key)
    }

    /// Host names have been resolved, or could not be.
    func resolved(_ now: Instant) -> [Director.Event] {
        let found = resolver.collect(now)
        return unresolved.flatMap { key -> [Director.Event] in
            let names = targets[key.database]?.parameters?.names ?? []
            return names.isDisjoint(with: found.keys) ? [] : begin(key, now, found)
        }
    }

    // MARK: connecting

    /// Connects as soon as the addresses of every host are known.
    ///
    /// - Parameter found: what has been looked up just now.
    private func begin(_ key: Key, _ now: Instant, _ found: [String: [String]] = [:]) -> [Director.Event] {
        guard let target = targets[key.database] else { return [] }
        guard let parameters = target.parameters else { return [failure(key, .other("conninfo is not valid"))] }
        var addresses: [String: [String]] = [:]
        for name in parameters.names { addresses[name] = found[name] ?? resolver.addresses(of: name, now) }
        guard addresses.count == parameters.names.count else { return [] }
        unresolved.remove(key)
        let values = parameters.connection(
            addresses, turn: target.turn, timeout: target.timeout, isKept: key.lane == .kept)
        guard let values else { return [failure(key, .notResolved)] }
        let resolved = Director.Event.watchdog(key.database, .resolved(key.lane))
        guard let connection = Connection(values, of: parameters) else {
            return [resolved, failure(key, .shortage("out of memory"))]
        }
        sessions[key] = Session(connection: connection)
        return [resolved] + events(of: connection.begin(), key)
    }

    // MARK: progress

    private func events(of progress: Connection.Progress, _ key: Key) -> [Director.Event] {
        switch progress {
        case .waiting(let interest):
            return watch(key, for: interest)
        case .connected:
            sessions[key]?.isConnected = true
            targets[key.database]?.turn = 0
            isShort = false
            return watch(key, for: .readable) + [.watchdog(key.database, .connected(key.lane))]
        case .answered(let answer):
            return watch(key, for: .readable) + [.watchdog(key.database, .answered(key.lane, answer))]
        case .failed(let cause):
            // libpq may have closed the socket already; before its number is another's, it has to be forgotten.
            if let session = sessions[key] { poller.remove(session.socket) }
            sessions[key]?.socket = -1
            return [failure(key, cause)]
        }
    }

    private func failure(_ key: Key, _ cause: Cause) -> Director.Event {
        if case .shortage(let text) = cause, !isShort {
            isShort = true
            log.warning("\(key.database): no new connection: \(text); what is known stands")
        }
        return .watchdog(key.database, .failed(key.lane, cause))
    }

    /// libpq changes its socket on the way to a connection: to another number, or to another socket with the same one.
    private func watch(_ key: Key, for interest: Readiness) -> [Director.Event] {
        guard let session = sessions[key] else { return [] }
        // Most answers change nothing.
        if session.interest == interest, !session.connection.mayHaveMoved { return [] }
        let socket = session.connection.socket
        do {
            if socket == session.socket {
                try poller.change(socket, interest)
            } else {
                poller.remove(session.socket)
                try poller.add(socket, interest, as: .session(key))
                sessions[key]?.socket = socket
            }
            sessions[key]?.interest = interest
            return []
        } catch {
            return [failure(key, Cause(error))]
        }
    }
}
