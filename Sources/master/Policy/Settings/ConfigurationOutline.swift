// Every setting of a configuration under its key, for comparison and for the operator.

import Shared

/// One setting.
struct OutlinedSetting {
    let key: String
    let value: String
    /// Without what may be a secret.
    let shown: String

    init(_ key: String, _ value: String, shown: String? = nil) {
        self.key = key
        self.value = value
        self.shown = shown ?? value
    }
}

extension Configuration {
    /// Keys that only another master takes over: where everything lies, and what is looked up before its loop.
    private static let fixedKeys: Set = [
        "users", "packages", "runtime", "state", "socket.group", "socket.mode", "control.group", "control.operators",
    ]

    /// What of `file` can come into force in a running master.
    func adopting(_ file: Configuration) -> Configuration {
        var next = file
        (next.users, next.packages, next.runtime, next.state) = (users, packages, runtime, state)
        (next.socketGroup, next.socketMode, next.control) = (socketGroup, socketMode, control)
        return next
    }

    /// What differs in `file`.
    func changes(to file: Configuration) -> [SettingChange] {
        let (old, new) = (outline, file.outline)
        let before = Dictionary(old.map { ($0.key, $0) }) { first, _ in first }
        let after = Dictionary(new.map { ($0.key, $0) }) { first, _ in first }
        let keys = new.map(\.key) + old.map(\.key).filter { after[$0] == nil }
        return keys.compactMap { key in
            let (was, comes) = (before[key], after[key])
            guard was?.value != comes?.value else { return nil }
            let isSecret = was?.shown == comes?.shown
            return SettingChange(
                key: key, old: was?.shown, new: isSecret ? "\(comes?.shown ?? "") (another secret)" : comes?.shown,
                isPostponed: Self.fixedKeys.contains(key))
        }
    }

    /// In the order of the README.
    var outline: [OutlinedSetting] {
        let mode = String(socketMode, radix: 8)
        var outline = [
            OutlinedSetting("users", users), OutlinedSetting("packages", packages ?? "null"),
            OutlinedSetting("runtime", runtime), OutlinedSetting("state", state),
            OutlinedSetting("logs", logs), OutlinedSetting("run_as", runAs ?? "null"),
            OutlinedSetting("socket.group", socketGroup ?? "null"),
            OutlinedSetting("socket.mode", String(repeating: "0", count: max(1, 4 - mode.count)) + mode),
            OutlinedSetting("control.group", control.group ?? "null"),
            OutlinedSetting("control.operators", control.operators ?? "null"),
        ]
        outline += worker.outline
        for database in databases {
            let key = "databases.\(database.name)"
            let shown = ConnectionInfo(database.conninfo).shown
            outline.append(OutlinedSetting("\(key).conninfo", database.conninfo, shown: shown))
            outline.append(OutlinedSetting("\(key).group", database.group ?? "null"))
        }
        return outline + databaseOutline + upgrade.outline + fuseOutline
    }

    private var databaseOutline: [OutlinedSetting] {
        [
            OutlinedSetting("database_check.interval", databaseCheck.interval.setting),
            OutlinedSetting("database_check.timeout", databaseCheck.timeout.setting),
            OutlinedSetting("database_check.fall", "\(databaseCheck.fall)"),
            OutlinedSetting("database_check.rise", "\(databaseCheck.rise)"),
            OutlinedSetting("database_check.writable", "\(databaseCheck.writable)"),
            OutlinedSetting("database_check.login_interval", databaseCheck.loginInterval.setting),
            OutlinedSetting("database_check.move_after", moveAfter.setting),
        ]
    }

    private var fuseOutline: [OutlinedSetting] {
        [
            OutlinedSetting("deletion_fuse.users", "\(deletionFuse.users)"),
            OutlinedSetting("deletion_fuse.share", "\(deletionFuse.share)"),
        ]
    }
}

extension UpgradeSettings {
    fileprivate var outline: [OutlinedSetting] {
        [
            OutlinedSetting("upgrade.free", free.rawValue), OutlinedSetting("upgrade.canary", "\(canary)"),
            OutlinedSetting("upgrade.parallel", "\(parallel)"),
            OutlinedSetting("upgrade.max_failures", "\(maxFailures)"),
            OutlinedSetting("upgrade.soak", soak.setting),
        ]
    }
}

extension WorkerSettings {
    fileprivate var outline: [OutlinedSetting] {
        let outline = [
            OutlinedSetting("worker.command", command.joined(separator: " ")),
            OutlinedSetting("worker.ready_timeout", readyTimeout.setting),
            OutlinedSetting("worker.stop_timeout", stopTimeout.setting),
            OutlinedSetting("worker.heartbeat", heartbeat.setting), OutlinedSetting("worker.swap", swap.rawValue),
        ]
        let rest = [
            OutlinedSetting("worker.start_concurrency", startConcurrency.map { "\($0)" } ?? "auto"),
            OutlinedSetting("worker.limits.memory", Self.size(limits.memory)),
            OutlinedSetting("worker.limits.files", "\(limits.files)"),
            OutlinedSetting("worker.limits.core", Self.size(limits.core)),
            OutlinedSetting("worker.limits.nice", "\(limits.nice)"),
        ]
        let variables = env.sorted { $0.key < $1.key }.map { name, value in
            OutlinedSetting("worker.env.\(name)", value, shown: "(hidden)")
        }
        return outline + restart.outline + check.outline + rest + variables
    }

    private static func size(_ bytes: Int) -> String { bytes == LimitSettings.unlimited ? "unlimited" : "\(bytes)" }
}

extension RestartSettings {
    fileprivate var outline: [OutlinedSetting] {
        [
            OutlinedSetting("worker.restart.first", first.setting),
            OutlinedSetting("worker.restart.then", then.setting),
            OutlinedSetting("worker.restart.factor", "\(factor)"),
            OutlinedSetting("worker.restart.cap", cap.setting),
            OutlinedSetting("worker.restart.jitter", "\(jitter)"),
            OutlinedSetting("worker.restart.reset_after", resetAfter.setting),
            OutlinedSetting("worker.restart.loop", "\(loopDeaths) in \(loopWindow.setting)"),
        ]
    }
}

extension CheckSettings {
    fileprivate var outline: [OutlinedSetting] {
        [
            OutlinedSetting("worker.check.path", path.isEmpty ? "\"\"" : path),
            OutlinedSetting("worker.check.interval", interval.setting),
            OutlinedSetting("worker.check.timeout", timeout.setting),
            OutlinedSetting("worker.check.fall", "\(fall)"), OutlinedSetting("worker.check.rise", "\(rise)"),
        ]
    }
}
