// dbwatch: watches the databases for master, or, run by hand, shows an operator what it sees.
//
// It keeps one connection per database and asks over it each interval. Every `login_interval` it also logs in afresh,
// because a kept connection notices neither a stopped postmaster nor a full server. Definite answers count at once,
// timeouts from the third on (`Watchdog`). Each database has a rhythm of its own, by its name: one of 50 beats in an
// interval, because databases that share a beat cost little more than one of them. While dbwatch is away, the last
// table stands; its rows are marked as old, one by one, until the next dbwatch has looked.
//
// Run by hand (without STEWARD_WATCHER in the environment) it prints its reports as lines. Exit codes: 0 when master
// or the operator ends it, 78 for a bad configuration, 1 for a failure of the machine.

import ArgumentParser
import Glibc
import Shared
import SharedSystem

@main
struct DBWatch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dbwatch",
        abstract: "Watches PostgreSQL databases.",
        discussion: "Master starts it. By hand, it prints each change as a line until it is interrupted.",
        version: stewardVersion)

    @Option(help: "The configuration file with the databases, when run by hand.")
    var config: String?

    func run() throws {
        let orders = try getenv("STEWARD_WATCHER") == nil ? ordersByHand() : []
        runWatcher(.dbwatch) { try Loop().run(orders) }
    }

    /// The snapshot that master would send.
    private func ordersByHand() throws -> [ToDBWatch] {
        guard let config else { throw ValidationError("run by hand, it needs --config FILE") }
        do {
            let configuration = try Configuration.read(config)
            guard !configuration.databases.isEmpty else {
                throw ConfigurationError(file: config, place: nil, text: "no databases to watch")
            }
            return [.settings(configuration.databaseCheck)] + configuration.databases.map { .database($0) }
                + [.complete]
        } catch {
            StandardError.write("\(error)")
            throw ExitCode(badConfigurationExitCode)
        }
    }
}

/// From a descriptor to an effect: the kernel's readiness becomes an event, the director's step becomes effects.
private final class Loop {
    private let station: Station<ToDBWatch, FromDBWatch>
    private let poller: Poller<Source>
    private let signals: Signals
    private let sessions: Sessions
    private var director = Director()
    private var isEnding = false

    init() throws {
        Environment.clearPostgreSQL()
        signals = try Signals([SIGTERM, SIGINT])
        poller = try Poller()
        station = try Station(.dbwatch)
        sessions = try Sessions(poller)
        try poller.add(signals.descriptor.number, .readable, as: .signals)
        try station.join(poller, as: .master)
    }

    func run(_ orders: [ToDBWatch]) throws {
        try step(orders.map { .order($0) })
        while !isEnding {
            for ready in try poller.wait(until: director.deadline) where poller.knows(ready.fd) {
                try step(try events(ready.source, ready.readiness))
            }
            try step([.time])
        }
    }

    private func events(_ source: Source, _ readiness: Readiness) throws -> [Director.Event] {
        switch source {
        case .master: return try station.receive(readiness, poller).map { .order($0.order) }
        case .session(let key): return sessions.advance(key)
        case .names: return sessions.resolved(.now())
        case .signals:
            isEnding = try signals.next() != nil
            return []
        }
    }

    /// What an effect answers at once is taken before what follows it.
    private func step(_ events: [Director.Event]) throws {
        var events = events[...]
        while let event = events.popFirst() {
            let now = Instant.now()
            for effect in director.step(event, now) { events += try perform(effect, now) }
        }
    }

    private func perform(_ effect: Director.Effect, _ now: Instant) throws -> [Director.Event] {
        switch effect {
        case .know(let name, let conninfo, let timeout): sessions.know(name, conninfo: conninfo, timeout: timeout)
        case .connect(let key): return sessions.connect(key, now)
        case .ask(let key): return sessions.ask(key)
        case .close(let key): sessions.close(key)
        case .forget(let name): sessions.forget(name)
        case .report(let report): try station.report(.report(report), poller)
        }
        return []
    }
}
