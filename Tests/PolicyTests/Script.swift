// A Supervisor driven by a script of events; processes start when they are asked to, time goes only when told.

import Shared
import Testing

@testable import Policy

extension DatabaseSettings {
    init(_ name: String, in group: String? = nil) {
        self.init()
        (self.name, self.group) = (name, group)
        conninfo = "host=127.0.0.1 dbname=\(name)"
    }
}

struct Script {
    var supervisor: Supervisor
    var now = Instant(nanoseconds: 0)
    /// Everything since the last `clear`, without happenings and saves.
    var effects: [Effect] = []
    /// `save` and `erase`, which come before everything else of a step.
    var saves: [Effect] = []
    /// What is written down for the next master.
    private(set) var saved: [UserName: UserRecord] = [:]
    private(set) var kept = KeptUpgrade(Upgrade())
    var happenings: [Happening] = []
    /// Whether starts are answered by a process; else by nothing.
    var makesProcesses = true
    private var nextPID: Int32 = 100

    init(
        _ change: (inout Configuration) -> Void = { _ in }, holds: [UserName: String] = [:],
        remains: [UserName: Remains] = [:], versions: [UserName: KeptVersion] = [:], upgrade: Upgrade = Upgrade()
    ) {
        var configuration = Configuration()
        configuration.runtime = "/run/steward"
        configuration.users = "/srv/users"
        configuration.worker.command = ["python3", "app.py"]
        configuration.worker.restart.jitter = 0
        change(&configuration)
        supervisor = Supervisor(
            configuration, processors: 2, holds: holds, remains: remains, versions: versions, upgrade: upgrade,
            seed: 1)
        kept = KeptUpgrade(upgrade)
        send(.boot)
    }

    mutating func send(_ event: Event) {
        let step = Alarm.during { supervisor.step(event, now: now) }
        for effect in step {
            switch effect {
            case .save(let record):
                saves.append(effect)
                saved[record.name] = record
            case .erase(let name):
                saves.append(effect)
                saved[name] = nil
            case .keepUpgrade(let upgrade):
                kept = upgrade
            default:
                break
            }
        }
        expectKept(step)
        for effect in step {
            switch effect {
            case .record(let happening):
                happenings.append(happening)
            case .save, .erase:
                break
            case .start(let id, _, _, _):
                effects.append(effect)
                guard makesProcesses else { continue }
                nextPID += 1
                send(.started(id, pid: nextPID))
                send(.executed(id))
            case .startWatcher(let kind, let generation):
                effects.append(effect)
                nextPID += 1
                send(.watcherStarted(kind, generation: generation, pid: nextPID))
            default:
                effects.append(effect)
            }
        }
    }

    /// The next master knows what this one does, and a process is written down before it is made.
    private func expectKept(_ step: [Effect]) {
        let records = Set(step.compactMap(\.record?.name))
        for case .start(let id, _, _, _) in step { #expect(records.contains(id.user), "\(id) is not saved") }
        let (now, then) = (Self.bytes(KeptUpgrade(supervisor.upgrade)), Self.bytes(kept))
        #expect(now == then, "the upgrade is not kept")
        // For thousands of users that takes minutes.
        guard supervisor.users.count <= 30 else { return }
        for (name, user) in supervisor.users { #expect(saved[name] == UserRecord(user), "\(name) is not saved") }
    }

    private static func bytes(_ upgrade: KeptUpgrade) -> [UInt8]? {
        try? UpgradeFile.bytes(upgrade, WallClock(wall: 0, now: Instant(nanoseconds: 0)))
    }

    mutating func clear() {
        effects = []
        saves = []
        happenings = []
    }

    /// Lets time go by; every deadline on the way is met.
    mutating func wait(_ duration: Duration) {
        let end = now + duration
        while let deadline = supervisor.deadline, deadline <= end {
            now = max(now, deadline)
            send(.tick)
        }
        now = end
    }

    mutating func hello(_ kind: WatcherKind) {
        guard let watcher = supervisor.watchers[kind], let pid = watcher.pid else { return }
        let hello = Hello(kind: kind, pid: pid, generation: watcher.generation)
        send(.watcherSaid(kind, generation: watcher.generation, .hello(hello)))
        if kind == .pathwatch { send(.watcherSaid(kind, generation: watcher.generation, .path(.begin))) }
    }

    mutating func say(_ kind: WatcherKind, _ report: WatcherReport) {
        if supervisor.watchers[kind]?.upSince == nil { hello(kind) }
        send(.watcherSaid(kind, generation: supervisor.watchers[kind]?.generation ?? 0, report))
    }

    mutating func adduser(_ name: UserName, _ change: (inout UserSettings) -> Void = { _ in }) {
        say(.pathwatch, .path(.adduser(settings(name, change))))
    }

    mutating func moduser(_ name: UserName, _ change: (inout UserSettings) -> Void) {
        say(.pathwatch, .path(.moduser(settings(name, change))))
    }

    private func settings(_ name: UserName, _ change: (inout UserSettings) -> Void) -> UserSettings {
        var settings = UserSettings()
        settings.name = name
        settings.folder = "/srv/users/\(name)"
        change(&settings)
        return settings
    }

    /// A deletion that is believed.
    mutating func deluser(_ name: UserName) {
        say(.pathwatch, .path(.deluser(name)))
        wait(DeletionFuse.quiet)
    }

    mutating func publish(_ version: String, _ change: (inout PackageManifest) -> Void = { _ in }) {
        var manifest = PackageManifest()
        manifest.version = version
        manifest.folder = "/srv/packages/\(version)"
        manifest.identity = 1
        change(&manifest)
        say(.pathwatch, .path(.package(manifest)))
    }

    mutating func current(_ version: String?, fault: String? = nil) {
        say(.pathwatch, .path(.currentPackage(CurrentPackage(version: version, fault: fault))))
    }

    mutating func database(
        _ name: String, _ state: DatabaseState, _ cause: String? = nil, maxConnections: Int? = nil
    ) {
        var report = DatabaseReport()
        report.name = name
        report.state = state
        report.cause = cause
        report.maxConnections = maxConnections
        say(.dbwatch, .database(report))
    }

    mutating func verdict(_ worker: WorkerID, _ health: Health, _ outcome: CheckOutcome, status: Int? = nil) {
        var verdict = CheckVerdict()
        verdict.worker = worker
        verdict.health = health
        verdict.outcome = outcome
        verdict.status = status
        say(.dispatch, .verdict(verdict))
    }

    /// A ready worker of a new user.
    mutating func ready(_ name: UserName, _ change: (inout UserSettings) -> Void = { _ in }) -> WorkerID {
        adduser(name, change)
        let id = lastStarted(name)
        send(.notified(id, .ready))
        return id
    }

    // MARK: what is looked at

    func lastStarted(_ name: UserName) -> WorkerID {
        effects.compactMap { effect -> WorkerID? in
            guard case .start(let id, _, _, _) = effect, id.user == name else { return nil }
            return id
        }.last ?? WorkerID()
    }

    var started: [WorkerID] {
        effects.compactMap { effect in
            guard case .start(let id, _, _, _) = effect else { return nil }
            return id
        }
    }

    /// The process that is starting, where there is only one.
    var lastStarting: WorkerID { supervisor.starting.first ?? WorkerID() }

    /// How a worker was started.
    func plan(of worker: WorkerID) -> WorkerPlan {
        for case .start(worker, _, let plan, _) in effects { return plan }
        return WorkerPlan()
    }

    /// The socket that a worker was started on.
    func socket(of worker: WorkerID) -> SocketID? {
        for case .start(worker, let socket, _, _) in effects { return socket }
        return nil
    }

    func workers(of name: UserName) -> [WorkerID] {
        supervisor.users[name]?.processes.map(\.id) ?? []
    }

    func state(_ name: UserName) -> String {
        status(name).state
    }

    func status(_ name: UserName) -> UserStatus {
        guard let user = supervisor.users[name] else { return UserStatus() }
        return supervisor.status(user, WallClock(wall: 0, now: now))
    }

    /// Why a user is as it is; nil where there is no user of that name.
    func explanation(_ name: UserName) -> UserExplanation? {
        let answer = supervisor.explanation(name, WallClock(wall: 0, now: now))
        return if case .explanation(let explanation)? = answer { explanation } else { nil }
    }

    var rules: [String] { happenings.map(\.rule) }
}

let alice = UserName("alice") ?? UserName()
let bob = UserName("bob") ?? UserName()
