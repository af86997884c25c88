// What master may answer: plain things, and things that are hard to show.

import Shared

@testable import steward

/// 2026-03-01T12:00:00Z
let now: Int64 = 1_772_366_400_000

func name(_ text: String) -> UserName { UserName(text) ?? UserName() }

/// A value's fields, set one by one.
func with<Value: WireValue>(_ value: Value = Value(), _ body: (inout Value) -> Void) -> Value {
    var value = value
    body(&value)
    return value
}

func ago(_ seconds: Int64) -> Int64 { now - seconds * 1000 }

func watcher(_ name: String, _ state: String, pid: Int32? = nil, restarts: Int = 0) -> WatcherStatus {
    with {
        $0.name = name
        $0.state = state
        $0.pid = pid
        $0.restarts = restarts
    }
}

func user(_ text: String, _ state: String, _ body: (inout UserStatus) -> Void = { _ in }) -> UserStatus {
    with {
        $0.name = name(text)
        $0.state = state
        $0.since = ago(75)
        body(&$0)
    }
}

/// Every field set.
let alice = user("alice", "ready") {
    $0.plan = .paid
    $0.pid = 4711
    $0.generation = 7
    $0.since = ago(93_784)
    $0.database = "main-a"
    $0.package = "1.4.0"
    $0.restarts = 3
    $0.lastExit = "signal 11"
    $0.reason = "new settings failed: exit code 3"
    $0.health = "passing"
    $0.latency = 1.2345
}

/// One user in every state, and some that are hard to show.
let crowd =
    [alice]
    + [
        ("queued", "waits for a place among 4 starting at a time"), ("starting", "after signal 9"),
        ("swapping", "a new process starts while the old one serves"), ("stopping", "held: open invoices"),
        ("waiting", "exit code 1; next start in 0.5 s"), ("crash-looping", "exit code 1; next start in 60.0 s"),
        ("held", "open invoices"), ("disabled", "enabled: false in user.yaml"),
    ].map { state, reason in user("in-\(state)", state) { $0.reason = reason } }
    + [
        user("a-name-as-long-as-a-name-is-allowed-to-b", "ready") {
            $0.pid = .max
            $0.restarts = 1_000_000
            $0.latency = 59_999.94
            $0.since = ago(86_400 * 4000)
            $0.reason = String(repeating: "a long story ", count: 20)
        },
        user("unicode", "held") { $0.reason = "未払い請求書 🧾 größer → 3 €" },
        user("controls", "held") { $0.reason = "red \u{1B}[31m, bell \u{07}, turned \u{202E}txt.exe, tab \t." },
        user("future", "ready") { $0.since = ago(-3600) },
    ]

func database(_ name: String, _ state: DatabaseState, _ body: (inout DatabaseStatus) -> Void = { _ in })
    -> DatabaseStatus
{
    with {
        $0.report.name = name
        $0.report.state = state
        $0.since = ago(59)
        body(&$0)
    }
}

/// One in every state.
let databases = [
    database("main-a", .available) {
        $0.report.latency = 0.45
        $0.report.role = "read-write"
        $0.group = "main"
        $0.users = 120
    },
    database("main-b", .unavailable) {
        $0.report.cause = "connection refused"
        $0.report.role = "in-recovery"
        $0.group = "main"
        $0.users = 118
        $0.moving = 7
        $0.before = "available"
        $0.changedAt = ago(3661)
    },
    database("new", .unknown) { $0.isOld = true },
    database("out", .available) {
        $0.isDrained = true
        $0.report.latency = 1234.56
    },
    database("controls", .unavailable) { $0.report.cause = "FATAL: \u{1B}]0;owned\u{07} データベース" },
]

let packages: [PackageStatus] = [
    with {
        $0.version = "1.4.0"
        $0.isInForce = true
        $0.users = 238
    },
    with {
        $0.version = "1.5.0"
        $0.isCurrent = true
        $0.held = "alice: exit code 3"
    },
    with {
        $0.version = "2.0.0-rc1"
        $0.users = 1
        $0.trouble = "/srv/packages/2.0.0-rc1/package.yaml:2:9: found 'x', expected a list"
    },
]

func upgrade(_ state: String, _ body: (inout UpgradeStatus) -> Void = { _ in }) -> UpgradeStatus {
    with {
        $0.target = "1.5.0"
        $0.state = state
        $0.since = ago(120)
        $0.total = 240
        body(&$0)
    }
}

let pendingDeletions =
    (1...7).map {
        PendingDeletion(name("gone-\($0)"), since: ago(600 - Int64($0)), why: "7 users at once (5 are allowed)")
    }
    + [PendingDeletion(name("alice"), since: ago(5), why: "the folder of all users is empty")]

/// A tree with something of everything.
let everything: Snapshot = {
    var snapshot = nothing
    snapshot.master.adopted = 12
    snapshot.master.configuration =
        "the configuration stays as it was: /etc/steward/steward.yaml:3:5: unknown key 'workers'"
    snapshot.watchers += [watcher("dbwatch", "waiting", restarts: 12), watcher("dispatch", "starting", pid: 104)]
    snapshot.databases = databases
    snapshot.users = crowd
    snapshot.packages = packages
    snapshot.upgrade = upgrade("rolling") {
        $0.changed = 60
        $0.underway = 5
        $0.failed = 1
    }
    snapshot.pendingDeletions = pendingDeletions
    snapshot.packageTroubles = ["/srv/packages/current: leads to \"nowhere\", expected a version in /srv/packages"]
    snapshot.faults = [
        UserFault(name: name("carol"), text: "/srv/users/carol/user.yaml:1:7: found 'gold', expected paid or free"),
        UserFault(name: name("dave"), text: "/srv/users/dave/user.yaml: データ \u{1B}[2J"),
    ]
    return snapshot
}()

/// A tree without users, databases and packages.
let nothing: Snapshot = {
    var snapshot = Snapshot()
    snapshot.master = with {
        $0.pid = 100
        $0.version = "0.1.0"
        $0.since = ago(200_000)
    }
    snapshot.watchers = [watcher("keeper", "up", pid: 101), watcher("pathwatch", "up", pid: 102, restarts: 1)]
    return snapshot
}()

extension Snapshot {
    /// As master sends it.
    var answers: [ControlAnswer] {
        var answers: [ControlAnswer] = [.master(master)]
        answers += watchers.map { .watcher($0) }
        answers += databases.map { .database($0) }
        answers += users.map { .user($0) }
        answers += packages.map { .package($0) }
        answers += packageTroubles.map { .packageTrouble(TextLine($0)) }
        answers += faults.map { .fault($0) }
        answers += pendingDeletions.map { .pendingDeletion($0) }
        if let upgrade { answers.append(.upgrade(upgrade)) }
        return answers + [.done]
    }
}
