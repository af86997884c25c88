// The director: hands out the databases, gathers what the watchdogs submit and keeps the status table. No I/O, no clock.
//
// Master's orders come as a snapshot: `settings`, every database, `complete`. Only the difference is acted on. Reports
// go out when state, cause or role of a database changes; its first verdict always does, and so does the first one
// after its conninfo has changed. The latency alone is worth a report now and then.

import Shared

struct Director: Sendable {
    enum Event: Equatable, Sendable {
        case order(ToDBWatch)
        case watchdog(String, Watchdog.Event)
        /// `deadline` has come.
        case time
    }

    enum Effect: Equatable, Sendable {
        /// From now on this is how the database is reached; before its first action.
        case know(String, conninfo: String, timeout: Duration)
        case connect(Key)
        case ask(Key)
        case close(Key)
        /// Nothing of this database is needed any longer; after its last action.
        case forget(String)
        case report(DatabaseReport)
    }

    /// One connection: a lane of a database's watchdog.
    struct Key: Hashable, Sendable {
        let database: String
        let lane: Lane
    }

    /// A row of the status table.
    private struct Row: Sendable {
        var conninfo: String
        var watchdog: Watchdog
        var reported: Verdict?
        var reportedAt = Instant(nanoseconds: 0)
    }

    /// What has come of a snapshot so far.
    private struct Snapshot: Sendable {
        var settings: DatabaseCheckSettings
        var databases: [String: DatabaseSettings] = [:]
    }

    private var settings = DatabaseCheckSettings()
    private var table: [String: Row] = [:]
    private var snapshot: Snapshot?
    private var timers = Timers<String>()

    /// When `time` is due.
    var deadline: Instant? {
        mutating get { timers.next }
    }

    mutating func step(_ event: Event, _ now: Instant) -> [Effect] {
        switch event {
        case .order(let order): return receive(order, now)
        case .watchdog(let name, let event): return advance(name, event, now)
        case .time:
            var effects: [Effect] = []
            while let name = timers.popDue(now) { effects += advance(name, .time, now) }
            return effects
        }
    }

    // MARK: orders

    private mutating func receive(_ order: ToDBWatch, _ now: Instant) -> [Effect] {
        switch order {
        case .settings(let settings):
            snapshot = Snapshot(settings: settings)
            return []
        case .database(let database):
            if snapshot == nil { snapshot = Snapshot(settings: settings) }
            snapshot?.databases[database.name] = database
            return []
        case .complete:
            guard let complete = snapshot else { return [] }
            snapshot = nil
            return apply(complete, now)
        }
    }

    private mutating func apply(_ snapshot: Snapshot, _ now: Instant) -> [Effect] {
        let timeoutChanged = snapshot.settings.timeout != settings.timeout
        settings = snapshot.settings
        var effects: [Effect] = []
        for name in table.keys.sorted() where snapshot.databases[name]?.conninfo != table[name]?.conninfo {
            effects += end(name)
        }
        for (name, database) in snapshot.databases.sorted(by: { $0.key < $1.key }) {
            let know = Effect.know(name, conninfo: database.conninfo, timeout: settings.timeout)
            if table[name] != nil {
                table[name]?.watchdog.settings = settings
                if timeoutChanged { effects.append(know) }
            } else {
                let watchdog = Watchdog(name: name, settings: settings, now)
                table[name] = Row(conninfo: database.conninfo, watchdog: watchdog)
                effects.append(know)
                timers.set(name, at: now)
            }
        }
        return effects
    }

    private mutating func end(_ name: String) -> [Effect] {
        table[name] = nil
        timers.cancel(name)
        return Lane.allCases.map { .close(Key(database: name, lane: $0)) } + [.forget(name)]
    }

    // MARK: watchdogs

    private mutating func advance(_ name: String, _ event: Watchdog.Event, _ now: Instant) -> [Effect] {
        guard let actions = table[name]?.watchdog.step(event, now) else { return [] }
        if let deadline = table[name]?.watchdog.deadline { timers.set(name, at: deadline) }
        return actions.compactMap { action in
            switch action {
            case .connect(let lane): .connect(Key(database: name, lane: lane))
            case .ask(let lane): .ask(Key(database: name, lane: lane))
            case .close(let lane): .close(Key(database: name, lane: lane))
            case .submit(let verdict): report(name, verdict, now).map { .report($0) }
            }
        }
    }

    // MARK: reports

    private mutating func report(_ name: String, _ verdict: Verdict, _ now: Instant) -> DatabaseReport? {
        guard verdict.state != .unknown else { return nil }
        if let reported = table[name]?.reported, let reportedAt = table[name]?.reportedAt {
            let isNews =
                reported.state != verdict.state || reported.cause != verdict.cause || reported.role != verdict.role
                || reported.isInDoubt != verdict.isInDoubt || reported.maxConnections != verdict.maxConnections
            let isUpdate =
                verdict.state == .available
                && Self.isWorthUpdate(from: reported.latency, to: verdict.latency, since: now - reportedAt)
            guard isNews || isUpdate else { return nil }
        }
        table[name]?.reported = verdict
        table[name]?.reportedAt = now
        var report = DatabaseReport()
        report.name = name
        report.state = verdict.state
        report.cause = verdict.cause?.description
        report.role = verdict.role?.rawValue
        report.latency = verdict.latency?.milliseconds
        report.isInDoubt = verdict.isInDoubt
        report.maxConnections = verdict.maxConnections
        return report
    }

    /// Every 10 s where it differs visibly; each second at most where it is another order of things.
    static func isWorthUpdate(from old: Duration?, to new: Duration?, since: Duration) -> Bool {
        guard let new else { return false }
        guard let old else { return true }
        let (less, more) = (min(old, new), max(old, new))
        if more - less < .microseconds(100) { return false }
        if since >= .seconds(10) { return true }
        return since >= .seconds(1) && more >= less * 4 && more - less >= .milliseconds(10)
    }
}
