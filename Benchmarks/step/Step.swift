// How long master decides about a crash: the Supervisor alone, without a kernel.
//
//   STEWARD_BENCH=1 swift run -c release step

import Policy
import Shared
import SharedSystem

@main
struct Step {
    static func main() {
        for users in [500, 10_000] {
            for isUpgrading in [false, true] {
                var world = World(users: users, isUpgrading: isUpgrading)
                let times = world.crashes(2_000).sorted()
                let (p50, p99) = (times[times.count / 2], times[times.count * 99 / 100])
                print("\(users) users, \(isUpgrading ? "upgrade under way" : "quiet"): p50 \(p50) µs, p99 \(p99) µs")
            }
        }
    }
}

/// A Supervisor whose starts are answered at once, except those of an upgrade, which goes on for ever.
private struct World {
    private var supervisor: Supervisor
    private var now = Instant(nanoseconds: 1)
    /// The serving worker of each user.
    private var serving: [UserName: WorkerID] = [:]
    private var names: [UserName] = []
    private var isUpgrading = false

    init(users: Int, isUpgrading: Bool) {
        var configuration = Configuration()
        configuration.users = "/srv/users"
        configuration.packages = "/srv/packages"
        configuration.runtime = "/run/steward"
        configuration.worker.command = ["python3", "{package}/app.py"]
        configuration.worker.env = ["TZ": "UTC", "WORKERS": "1"]
        var database = DatabaseSettings()
        (database.name, database.conninfo) = ("main", "host=127.0.0.1 dbname=invoicing user=app")
        configuration.databases = [database]
        supervisor = Supervisor(configuration, processors: 2, holds: [:], seed: 1)
        send(.boot)
        say(.dbwatch, .database(report(of: "main")))
        say(.pathwatch, .path(.begin))
        for version in ["1", "2"] { say(.pathwatch, .path(.package(manifest(version)))) }
        say(.pathwatch, .path(.currentPackage(CurrentPackage(version: "1"))))
        for number in 0..<users { add("user-\(number)") }
        say(.pathwatch, .path(.complete))
        guard isUpgrading else { return }
        self.isUpgrading = true
        say(.pathwatch, .path(.currentPackage(CurrentPackage(version: "2"))))
    }

    /// The times of so many steps, in microseconds.
    mutating func crashes(_ count: Int) -> [Double] {
        let clock = ContinuousClock()
        return (0..<count).compactMap { number in
            // Long enough for a new row of deaths.
            now = now + .seconds(120)
            guard let id = serving[names[names.count - 1 - number % (names.count / 2)]] else { return nil }
            var effects: [Effect] = []
            let time = clock.measure { effects = supervisor.step(.exited(id, .signal(9)), now: now) }
            perform(effects)
            return (Double(time.nanoseconds) / 100).rounded() / 10
        }
    }

    // MARK: the world

    private mutating func send(_ event: Event) {
        perform(supervisor.step(event, now: now))
    }

    private mutating func perform(_ effects: [Effect]) {
        for effect in effects {
            switch effect {
            case .start(let id, _, let plan, _): start(id, plan)
            case .startWatcher(let kind, let generation):
                send(.watcherStarted(kind, generation: generation, pid: 1))
                say(kind, .hello(Hello(kind: kind, pid: 1, generation: generation)), generation)
            default: break
            }
        }
    }

    private mutating func start(_ id: WorkerID, _ plan: WorkerPlan) {
        send(.started(id, pid: 7))
        send(.executed(id))
        if isUpgrading, plan.version == "2" { return }
        serving[id.user] = id
        send(.notified(id, .ready))
    }

    private mutating func say(_ kind: WatcherKind, _ report: WatcherReport, _ generation: UInt64 = 1) {
        send(.watcherSaid(kind, generation: generation, report))
    }

    private mutating func add(_ text: String) {
        guard let name = UserName(text) else { return }
        names.append(name)
        var settings = UserSettings()
        (settings.name, settings.plan, settings.folder) = (name, .paid, "/srv/users/\(text)")
        settings.env = ["SHOP": text]
        say(.pathwatch, .path(.adduser(settings)))
    }

    private func manifest(_ version: String) -> PackageManifest {
        var manifest = PackageManifest()
        (manifest.version, manifest.folder, manifest.identity) = (version, "/srv/packages/\(version)", 1)
        return manifest
    }

    private func report(of name: String) -> DatabaseReport {
        var report = DatabaseReport()
        (report.name, report.state) = (name, .available)
        return report
    }
}
