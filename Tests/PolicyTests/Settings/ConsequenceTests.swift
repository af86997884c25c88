// What a change of each key means: what the Supervisor says, what it does, and what DESIGN.md tells are one.

import Foundation
import Testing

@testable import Policy
@testable import Shared

/// A key of steward.yaml or user.yaml, a change of its value, and what that means for alice.
struct KeyChange: Sendable, CustomTestStringConvertible {
    let key: String
    let old: String
    let new: String
    /// As in DESIGN.md: one of the consequences, or `new start`.
    let effect: String

    init(_ key: String, _ old: String, _ new: String, _ effect: String) {
        (self.key, self.old, self.new, self.effect) = (key, old, new, effect)
    }

    var testDescription: String { "\(key): \(old) to \(new)" }

    static let configurationText = """
        users: /srv/users
        packages: null
        runtime: /run/steward
        state: /var/lib/steward
        logs: /var/log/steward
        run_as: steward
        socket: {group: www-data, mode: 0660}
        control: {group: staff, operators: wheel}
        worker:
          command: [python3, app.py]
          ready_timeout: 60s
          stop_timeout: 30s
          heartbeat: 31s
          swap: overlap
          restart: {first: 0s, then: 500ms, factor: 2, cap: 61s, jitter: 0, reset_after: 62s, loop: 5 in 63s}
          check: {path: /healthz, interval: 10s, timeout: 2s, fall: 3, rise: 1}
          start_concurrency: auto
          limits: {memory: 512M, files: 1024, core: 0, nice: 3}
          env: {COLOUR: blue}
        databases:
          a: {conninfo: "host=one dbname=x user=y", group: main}
          b: {conninfo: "host=two dbname=x user=y", group: main}
        database_check:
          {interval: 1s, timeout: 3s, fall: 4, rise: 2, writable: true, login_interval: 5s, move_after: 7s}
        upgrade: {free: stay, canary: 1, parallel: 50, max_failures: 8, soak: 6s}
        deletion_fuse: {users: 6, share: 0.1}
        """

    static let ofConfiguration = [
        KeyChange("users", "/srv/users", "/srv/people", "new start"),
        KeyChange("packages", "null", "/srv/packages", "new start"),
        KeyChange("runtime", "/run/steward", "/run/other", "new start"),
        KeyChange("state", "/var/lib/steward", "/var/lib/other", "new start"),
        KeyChange("logs", "/var/log/steward", "/var/log/other", "nothing"),
        KeyChange("run_as", "run_as: steward", "run_as: other", "swap"),
        KeyChange("socket.group", "www-data", "nginx", "new start"),
        KeyChange("socket.mode", "0660", "0600", "new start"),
        KeyChange("control.group", "staff", "adm", "new start"),
        KeyChange("control.operators", "wheel", "adm", "new start"),
        KeyChange("worker.command", "app.py", "other.py", "swap"),
        KeyChange("worker.ready_timeout", "ready_timeout: 60s", "ready_timeout: 50s", "nothing"),
        KeyChange("worker.stop_timeout", "stop_timeout: 30s", "stop_timeout: 20s", "nothing"),
        KeyChange("worker.heartbeat", "31s", "0s", "nothing"),
        KeyChange("worker.swap", "overlap", "stop-first", "nothing"),
        KeyChange("worker.restart.first", "first: 0s", "first: 1s", "nothing"),
        KeyChange("worker.restart.then", "500ms", "600ms", "nothing"),
        KeyChange("worker.restart.factor", "factor: 2", "factor: 3", "nothing"),
        KeyChange("worker.restart.cap", "61s", "90s", "nothing"),
        KeyChange("worker.restart.jitter", "jitter: 0", "jitter: 0.5", "nothing"),
        KeyChange("worker.restart.reset_after", "62s", "90s", "nothing"),
        KeyChange("worker.restart.loop", "5 in 63s", "6 in 63s", "nothing"),
        KeyChange("worker.check.path", "/healthz", "/ping", "check settings"),
        KeyChange("worker.check.path", "/healthz", "\"\"", "check settings"),
        KeyChange("worker.check.interval", "interval: 10s", "interval: 20s", "check settings"),
        KeyChange("worker.check.timeout", "timeout: 2s", "timeout: 1s", "check settings"),
        KeyChange("worker.check.fall", "fall: 3", "fall: 2", "check settings"),
        KeyChange("worker.check.rise", "rise: 1", "rise: 2", "check settings"),
        KeyChange("worker.start_concurrency", "auto", "1", "nothing"),
        KeyChange("worker.limits.memory", "512M", "600M", "nothing"),
        KeyChange("worker.limits.core", "core: 0", "core: 1M", "swap"),
        KeyChange("worker.limits.nice", "nice: 3", "nice: 4", "swap"),
        KeyChange("worker.limits.files", "1024", "2048", "swap"),
        KeyChange("worker.env", "blue", "red", "swap"),
        KeyChange("databases.a.conninfo", "host=one", "host=three", "move"),
        KeyChange("databases.a.conninfo", "one dbname=x user=y", "one dbname=x user=z", "swap"),
        KeyChange("databases.a.group", "user=y\", group: main}\n  b", "user=y\", group: lone}\n  b", "move"),
        KeyChange("databases.b.conninfo", "host=two", "host=three", "nothing"),
        KeyChange("databases.b.group", "group: main}\ndatabase_check", "group: lone}\ndatabase_check", "nothing"),
        KeyChange("database_check.interval", "interval: 1s", "interval: 2s", "nothing"),
        KeyChange("database_check.timeout", "timeout: 3s", "timeout: 4s", "nothing"),
        KeyChange("database_check.fall", "fall: 4", "fall: 5", "nothing"),
        KeyChange("database_check.rise", "rise: 2, w", "rise: 3, w", "nothing"),
        KeyChange("database_check.writable", "writable: true", "writable: false", "nothing"),
        KeyChange("database_check.login_interval", "login_interval: 5s", "login_interval: 6s", "nothing"),
        KeyChange("database_check.move_after", "7s", "8s", "nothing"),
        KeyChange("upgrade.free", "stay", "follow", "nothing"),
        KeyChange("upgrade.canary", "canary: 1", "canary: 2", "nothing"),
        KeyChange("upgrade.parallel", "parallel: 50", "parallel: 51", "nothing"),
        KeyChange("upgrade.max_failures", "max_failures: 8", "max_failures: 9", "nothing"),
        KeyChange("upgrade.soak", "soak: 6s", "soak: 7s", "nothing"),
        KeyChange("deletion_fuse.users", "users: 6", "users: 7", "nothing"),
        KeyChange("deletion_fuse.share", "0.1", "0.2", "nothing"),
    ]

    static let userText = """
        plan: paid
        package: follow
        database: main
        env: {COLOUR: blue}
        check: {path: /own, interval: 10s, timeout: 2s, fall: 3, rise: 1}
        limits: {memory: 512M, files: 100, core: 0, nice: 3}
        run_as: alice
        enabled: true
        command: [serve]
        """

    static let ofUser = [
        KeyChange("plan", "paid", "free", "nothing"),
        KeyChange("database", "main", "a", "nothing"),
        KeyChange("database", "main", "b", "move"),
        KeyChange("env", "blue", "red", "swap"),
        KeyChange("check.path", "/own", "/ping", "check settings"),
        KeyChange("check.interval", "10s", "20s", "check settings"),
        KeyChange("check.timeout", "2s", "1s", "check settings"),
        KeyChange("check.fall", "fall: 3", "fall: 2", "check settings"),
        KeyChange("check.rise", "rise: 1", "rise: 2", "check settings"),
        KeyChange("limits.memory", "512M", "600M", "nothing"),
        KeyChange("limits.files", "100", "200", "swap"),
        KeyChange("limits.core", "core: 0", "core: 1M", "swap"),
        KeyChange("limits.nice", "nice: 3", "nice: 4", "swap"),
        KeyChange("package", "follow", "1.0.0", "nothing"),
        KeyChange("run_as", "run_as: alice", "run_as: bob", "swap"),
        KeyChange("enabled", "true", "false", "stop"),
        KeyChange("command", "serve", "serve, --fast", "swap"),
    ]
}

@Suite struct ConsequenceTests {
    private static func configuration(_ text: String) throws -> Configuration {
        try Configuration(text: text, file: "steward.yaml", folder: "/etc")
    }

    private static func user(_ text: String) throws -> UserSettings {
        var settings = try UserSettings(text: text, file: "user.yaml", databases: ["a", "b", "main"])
        settings.name = alice
        settings.folder = "/srv/users/alice"
        return settings
    }

    private func changed(_ text: String, _ change: KeyChange) throws -> String {
        #expect(text.components(separatedBy: change.old).count == 2, "\(change.old) stands there once")
        return text.replacingOccurrences(of: change.old, with: change.new)
    }

    /// Alice runs on database a.
    private func script(_ settings: UserSettings) throws -> Script {
        var script = Script { $0 = (try? Self.configuration(KeyChange.configurationText)) ?? $0 }
        script.database("a", .available)
        script.say(.pathwatch, .path(.adduser(settings)))
        script.send(.notified(script.lastStarted(alice), .ready))
        script.database("b", .available)
        script.hello(.dispatch)
        script.clear()
        return script
    }

    /// What has been done about alice, whose worker runs.
    private func deed(_ script: Script) -> String {
        guard let user = script.supervisor.users[alice] else { return "gone" }
        switch user.actual {
        case .swapping: return "swap"
        case .stopping:
            // What follows depends on what is wanted.
            return script.supervisor.wanted(user).keepsWorker ? "move" : "stop"
        case .ready:
            let isForgotten = script.effects.contains { if case .forget = $0 { true } else { false } }
            return isForgotten ? "check settings" : "nothing"
        case .absent, .queued, .starting, .waiting: return "another"
        }
    }

    /// The row of DESIGN.md's table that has this key in its first cell: the second one.
    private func documented(_ key: String, _ heading: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../../DESIGN.md")
        let text = try String(contentsOf: root.standardizedFileURL, encoding: .utf8)
        let rows = text.components(separatedBy: "| \(heading) |").dropFirst().first?.components(separatedBy: "\n\n")
            .first?.split(separator: "\n").map { $0.components(separatedBy: "|") }
        let generic = key.replacingOccurrences(of: "databases.a", with: "databases.NAME")
            .replacingOccurrences(of: "databases.b", with: "databases.NAME")
        return rows?.first { $0.count > 2 && $0[1].contains("`\(generic)`") }?[2] ?? "no row"
    }

    @Test(arguments: KeyChange.ofConfiguration)
    func aKeyOfTheConfiguration(change: KeyChange) throws {
        var script = try script(try Self.user("database: main"))
        let next = try Self.configuration(changed(KeyChange.configurationText, change))
        let plan = script.supervisor.change(to: next)
        // One of a variable, and two in the description, have a name at the end.
        #expect(plan.settings.count == 1 && plan.settings[0].key.hasPrefix(change.key), "\(plan.settings)")
        let consequence = plan.consequences[alice] ?? .nothing
        #expect((plan.postponed.isEmpty ? "\(consequence)" : "new start") == change.effect)
        script.send(.configure(next, isConfirmed: false))
        // Of a database that lies elsewhere nothing is known before.
        script.database("a", .available)
        #expect(deed(script) == (plan.postponed.isEmpty ? change.effect : "nothing"), "\(script.effects)")
        #expect(try documented(change.key, "steward.yaml").contains(change.effect))
    }

    @Test(arguments: KeyChange.ofUser)
    func aKeyOfAUser(change: KeyChange) throws {
        var script = try script(try Self.user(KeyChange.userText))
        let settings = try Self.user(changed(KeyChange.userText, change))
        script.say(.pathwatch, .path(.moduser(settings)))
        #expect(deed(script) == change.effect, "\(script.effects)")
        #expect(script.happenings.contains { $0.text == "changed: \(change.effect)" })
        #expect(try documented(change.key, "user.yaml").contains(change.effect))
    }

    @Test func enablingStarts() throws {
        var script = try script(try Self.user("enabled: false"))
        script.say(.pathwatch, .path(.moduser(try Self.user("enabled: true"))))
        #expect(script.happenings.contains { $0.text == "changed: start" })
        #expect(script.started.count == 1)
    }

    /// Every key that the readers ask for has its row here, and its line in the description of a configuration.
    @Test func noKeyIsForgotten() throws {
        func leaves(_ asked: AskedKeys) -> Set<String> {
            let keys = Set(asked.keys)
            return keys.filter { key in !keys.contains { $0.hasPrefix("\(key).") } }.subtracting(["databases"])
        }
        let asked = AskedKeys()
        let root = try Setting(text: KeyChange.configurationText, file: "steward.yaml", asked: asked)
        let configuration = try Configuration(root, folder: "/etc")
        #expect(leaves(asked) == Set(KeyChange.ofConfiguration.map(\.key)))
        let described = configuration.outline.map { $0.key.hasPrefix("worker.env.") ? "worker.env" : $0.key }
        #expect(leaves(asked) == Set(described))

        let askedOfUser = AskedKeys()
        _ = try UserSettings(
            Setting(text: KeyChange.userText, file: "user.yaml", asked: askedOfUser), databases: ["main"])
        #expect(leaves(askedOfUser) == Set(KeyChange.ofUser.map(\.key)))
    }
}
