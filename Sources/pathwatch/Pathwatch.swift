// pathwatch: tells master which users and which versions there are, and what has changed.
//
// It compares what it finds in a folder with what it last reported; inotify only says where to look. A file that
// cannot be understood is reported with file, line and column, and the user stays as it was. The end mark of its
// snapshot lets master find the users that were deleted while no pathwatch ran.
//
// With 10,000 users the start takes 0.2 s and as much CPU, and 19 MiB are resident. One add, change and end together
// cost 0.8 ms of CPU (no scan). 10,000 changes are reported 180 ms after the last of them (100 ms of which deletions
// wait to be believed). Only the rescan each minute wakes it up otherwise: `Benchmarks/users.py`.
//
// Under master its orders arrive over the channel. Run by hand (without STEWARD_WATCHER in the environment) it takes
// them from the configuration and prints every report as one line, until SIGINT or SIGTERM. A bad configuration is one
// line and exit code 78.

import ArgumentParser
import Glibc
import Logging
import Shared
import SharedSystem

@main
struct Pathwatch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pathwatch",
        abstract: "Watches the users' folder for Steward's master; run by hand, it prints what it would report.",
        version: stewardVersion)

    @Option(help: ArgumentHelp("The configuration, when run by hand.", valueName: "file"))
    var config: String?

    func run() throws {
        let signals = try Signals([SIGINT, SIGTERM])
        let orders = try ordersByHand()
        runWatcher(.pathwatch) {
            try PathwatchLoop(signals, orders).run()
        }
    }

    /// Nil under master.
    private func ordersByHand() throws -> PathSettings? {
        guard getenv("STEWARD_WATCHER") == nil else { return nil }
        do {
            let file = config ?? Configuration.standardPath
            var settings = try Configuration.read(file).pathSettings
            settings.configuration = FilePath.absolute(file)
            return settings
        } catch {
            StandardError.write("\(error)")
            throw ExitCode(badConfigurationExitCode)
        }
    }
}

/// The loop: master's orders and the folder's events in, reports out.
private final class PathwatchLoop {
    private enum Source {
        case master, signals, folder, packages, configuration
    }

    /// After a batch of events the next one may gather for so long: a storm of them costs a look now and then.
    private static let pause = Duration.milliseconds(3)

    private let signals: Signals
    private let station: Station<ToPathwatch, FromPathwatch>
    private let poller: Poller<Source>
    private var inotify: Inotify?
    private var folder: UsersFolder?
    private var packages: PackagesFolder?
    private var configuration: ConfigurationFile?
    private var pauseEnd: Instant?
    private var isEnding = false

    /// - Parameter orders: those of the configuration, where pathwatch is run by hand.
    init(_ signals: Signals, _ orders: PathSettings?) throws {
        self.signals = signals
        station = try Station(.pathwatch)
        poller = try Poller()
        try poller.add(signals.descriptor.number, .readable, as: .signals)
        try station.join(poller, as: .master)
        if let orders { try obey(.settings(orders)) }
    }

    func run() throws {
        while !isEnding {
            for (source, _, readiness) in try poller.wait(until: deadline()) {
                switch source {
                case .master: for received in try station.receive(readiness, poller) { try obey(received.order) }
                case .signals: isEnding = try signals.next() != nil || isEnding
                case .folder: try readEvents()
                case .packages: try packages?.readEvents(now: .now())
                case .configuration: try configuration?.readEvents(now: .now())
                }
            }
            try endPause()
            try work()
        }
    }

    /// Every order begins a new snapshot.
    private func obey(_ order: ToPathwatch) throws {
        switch order {
        case .settings(let settings):
            if let watched = inotify?.descriptor { poller.remove(watched.number) }
            let inotify = Inotify()
            folder = try UsersFolder(settings, inotify, station.log, now: .now())
            self.inotify = inotify
            pauseEnd = nil
            if let watched = inotify.descriptor { try poller.add(watched.number, .readable, as: .folder) }
            try watchPackages(settings)
            try watchConfiguration(settings.configuration)
            try station.report(.begin, poller)
        }
    }

    private func watchPackages(_ settings: PathSettings) throws {
        if let watched = packages?.inotify.descriptor { poller.remove(watched.number) }
        packages = settings.packages.map {
            PackagesFolder($0, Ownership(runAs: settings.runAs), station.log, now: .now())
        }
        if let watched = packages?.inotify.descriptor {
            try poller.add(watched.number, .readable, as: .packages)
        }
    }

    private func watchConfiguration(_ path: String) throws {
        if let watched = configuration?.inotify.descriptor { poller.remove(watched.number) }
        configuration = path.isEmpty ? nil : ConfigurationFile(path, now: .now())
        if let watched = configuration?.inotify.descriptor {
            try poller.add(watched.number, .readable, as: .configuration)
        }
    }

    private func readEvents() throws {
        guard let watched = inotify?.descriptor else { return }
        let now = Instant.now()
        try folder?.readEvents(now: now)
        pauseEnd = now + Self.pause
        try poller.change(watched.number, [])
    }

    private func endPause() throws {
        guard let end = pauseEnd, let watched = inotify?.descriptor, end <= .now() else { return }
        pauseEnd = nil
        try poller.change(watched.number, .readable)
    }

    /// Reports only as fast as master reads: what is not looked at yet can still change without a report.
    private func work() throws {
        guard let folder, station.isFlushed else { return }
        // The versions come first: users that are reported after them can be started.
        try station.report(packages?.work(now: .now()) ?? [], poller)
        try station.report(folder.work(now: .now()), poller)
        if configuration?.hasChanged(now: .now()) == true { try station.report(.configuration, poller) }
    }

    private func deadline() -> Instant? {
        let work = station.isFlushed ? [folder?.next, packages?.next, configuration?.next] : []
        return (work + [pauseEnd]).compactMap { $0 }.min()
    }
}
