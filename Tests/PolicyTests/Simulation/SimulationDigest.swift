// What happened in a simulated world, for comparison with another build: a text of each step that depends neither on the
// names of types nor on the order of dictionaries.
//
// What has a form on the wire or on the disk is given in that form, which stays the same; the rest in words of its own.

import Shared

@testable import Policy

struct SimulationDigest {
    private(set) var hash = Fingerprint()
    /// Every line, where they are to be read.
    private(set) var lines: [String]?

    init(keepsLines: Bool) {
        if keepsLines { lines = [] }
    }

    mutating func add(_ line: String) {
        hash.add(line)
        lines?.append(line)
    }
}

extension Simulation {
    /// Tells of a step whose effects have been performed.
    func tell(_ event: Event, _ effects: [Effect]) {
        guard digest != nil else { return }
        digest?.add("\(now.nanoseconds) \(words(event))")
        for effect in effects { digest?.add("  \(words(effect))") }
    }

    // MARK: events

    private func words(_ event: Event) -> String {
        switch event {
        case .boot: "boot"
        case .tick: "tick"
        case .stop: "stop"
        case .watcherStarted(let kind, let generation, let pid): "watcher-started \(kind) \(generation) \(pid)"
        case .watcherAdopted(let kind, let generation, let pid): "watcher-adopted \(kind) \(generation) \(pid)"
        case .watcherSaid(let kind, let generation, let report): "watcher-said \(kind) \(generation) \(words(report))"
        case .watcherBroke(let kind, let generation, let why): "watcher-broke \(kind) \(generation) \(why)"
        case .watcherExited(let kind, let generation, let why): "watcher-exited \(kind) \(generation) \(why)"
        case .started(let id, let pid): "started \(id) \(pid)"
        case .startFailed(let id, let why): "start-failed \(id) \(why)"
        case .executed(let id): "executed \(id)"
        case .executionFailed(let id, let why): "execution-failed \(id) \(why)"
        case .notified(let id, .ready): "notified \(id) ready"
        case .notified(let id, .heartbeat): "notified \(id) heartbeat"
        case .notified(let id, .status(let text)): "notified \(id) status \(text)"
        case .exited(let id, let exit): "exited \(id) \(exit)"
        case .probed(let worker, let isEmpty): "probed \(worker) \(isEmpty)"
        case .measured(let id, let memory): "measured \(id) \(memory)"
        case .faceFailed(let name): "face-failed \(name)"
        case .awaited(let socket): "awaited \(socket)"
        case .hold(let name, let reason): "hold \(name) \(reason)"
        case .release(let name): "release \(name)"
        case .restart(let name): "restart \(name)"
        case .drain(let name): "drain \(name)"
        case .undrain(let name): "undrain \(name)"
        case .rebalance: "rebalance"
        case .upgrade(.start(let version)): "upgrade start \(version)"
        case .upgrade(.pause): "upgrade pause"
        case .upgrade(.resume): "upgrade resume"
        case .upgrade(.abort): "upgrade abort"
        case .confirmDeletions(let names): "confirm-deletions \(words(names))"
        case .configure(let file, let isConfirmed):
            "configure \(isConfirmed) \(file.outline.map { "\($0.key)=\($0.value)" }.joined(separator: " "))"
        case .configurationFaulty(let why): "configuration-faulty \(why)"
        }
    }

    private func words(_ report: WatcherReport) -> String {
        switch report {
        case .hello(let hello): "hello \(wire(hello))"
        case .alive: "alive"
        case .path(let report): "path \(printable { try report.write(to: &$0) })"
        case .database(let report): "database \(wire(report))"
        case .verdict(let verdict): "verdict \(wire(verdict))"
        case .journaled(let mark): "journaled \(mark.serial)"
        }
    }

    // MARK: effects

    private func words(_ effect: Effect) -> String {
        switch effect {
        case .open(let socket): "open \(socket)"
        case .retire(let socket, let reason): "retire \(socket) \(reason)"
        case .welcome(let id, let socket, let nice): "welcome \(id) \(socket) \(nice)"
        case .link(let socket): "link \(socket)"
        case .unlink(let user): "unlink \(user)"
        case .answer(let socket, let reason): "answer \(socket) \(reason)"
        case .quiet(let socket): "quiet \(socket)"
        case .watch(let socket): "watch \(socket)"
        case .unwatch(let socket): "unwatch \(socket)"
        case .probe(let socket, let worker): "probe \(socket) \(worker)"
        case .start(let id, let socket, let plan, let gently): "start \(id) \(socket) \(gently) \(words(plan))"
        case .measure(let id): "measure \(id)"
        case .signal(let id, let number, let leaderOnly): "signal \(id) \(number) \(leaderOnly)"
        case .check(let order): "check \(wire(order))"
        case .forget(let worker): "forget \(worker)"
        case .suspect(let worker): "suspect \(worker)"
        case .startWatcher(let kind, let generation): "start-watcher \(kind) \(generation)"
        case .killWatcher(let kind): "kill-watcher \(kind)"
        case .dismissWatcher(let kind): "dismiss-watcher \(kind)"
        case .ping(let kind): "ping \(kind)"
        case .snapshot(let kind): "snapshot \(kind)"
        case .moveLogs: "move-logs"
        case .save(let record): "save \(saved[record.name].map(words) ?? "\(record.name), who is not there")"
        case .erase(let name): "erase \(name)"
        case .keepHold(let name, nil): "drop-hold \(name)"
        case .keepHold(let name, let reason?): "keep-hold \(name) \(reason)"
        case .keepDrained(let names): "keep-drained \(names.sorted().joined(separator: " "))"
        case .keepDeletions:
            "keep-deletions \(printable { $0.bytes = try DeletionFile.bytes(self.kept, Self.clock) })"
        case .keepUpgrade: "keep-upgrade \(printable { $0.bytes = self.upgrade })"
        case .keepVersions(let versions):
            "keep-versions \(printable { $0.bytes = try VersionFile.bytes(versions) })"
        case .record(let happening): "record \(words(happening))"
        case .giveWay: "give-way"
        case .finish: "finish"
        }
    }

    private func words(_ plan: WorkerPlan) -> String {
        let identity = "\(plan.identity.fingerprint) \(plan.database ?? "-") \(plan.place)"
        let limits = "\(plan.limits.memory) \(plan.limits.files) \(plan.limits.core) \(plan.limits.nice)"
        let env = plan.env.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        return "\(identity) \(plan.command) \(plan.folder) \(plan.version ?? "-") \(limits) \(plan.runAs ?? "-") "
            + "\(plan.start) \(env)"
    }

    private func words(_ record: UserRecord) -> String {
        var record = record
        record.processes.sort { $0.generation < $1.generation }
        let processes = record.processes.map { process in
            "\(process.generation) \(process.stage) \(wire(process))"
        }
        record.processes = []
        return ([wire(record)] + processes).joined(separator: "; ")
    }

    private func words(_ happening: Happening) -> String {
        let weight =
            switch happening.weight {
            case .crowd: "crowd"
            case .routine: "routine"
            case .warning: "warning"
            }
        let about = "\(happening.user?.text ?? "-") \(happening.subject ?? "-")"
        return "\(happening.rule) \(about) \(weight) \(happening.text)"
    }

    private func words(_ names: [UserName]) -> String { names.map(\.text).joined(separator: " ") }

    // MARK: the forms on the wire

    private static var clock: WallClock { WallClock(wall: 0, now: Instant(nanoseconds: 0)) }

    private func wire(_ value: some WireValue) -> String {
        var value = value
        return printable { try value.fields(&$0) }
    }

    /// The bytes as text: what is no printable character in hexadecimal digits.
    private func printable(_ body: (inout WireWriter) throws -> Void) -> String {
        var writer = WireWriter()
        do { try body(&writer) } catch { return "(\(error))" }
        var text: [UInt8] = []
        for byte in writer.bytes {
            switch byte {
            case 0x20..<0x7F where byte != Self.backslash: text.append(byte)
            default: text += [Self.backslash, Self.digits[Int(byte >> 4)], Self.digits[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static let backslash = UInt8(ascii: "\\")
    private static let digits = Array("0123456789abcdef".utf8)
}
