// What the operator sees of the Supervisor's tables.

import Shared

/// Turns moments of the monotonic clock into wall clock times, for people.
package struct WallClock {
    /// Wall clock milliseconds at `now`.
    let wall: Int64
    let now: Instant

    package init(wall: Int64, now: Instant) {
        (self.wall, self.now) = (wall, now)
    }

    func callAsFunction(_ instant: Instant) -> Int64 {
        wall - (now - instant).nanoseconds / 1_000_000
    }
}

extension Supervisor {
    package func watcherStatuses() -> [WatcherStatus] {
        WatcherKind.allCases.compactMap { kind in
            guard let watcher = watchers[kind], !(watcher.isDismissed && watcher.isWaiting) else { return nil }
            var status = WatcherStatus()
            status.name = "\(kind)"
            status.pid = watcher.pid
            status.restarts = watcher.restarts
            switch watcher.state {
            case .waiting: status.state = "waiting"
            case .starting: status.state = "starting"
            case .up: status.state = "up"
            }
            return status
        }
    }

    package func databaseStatuses(_ clock: WallClock) -> [DatabaseStatus] {
        let moving = moves.isEmpty ? [] : users.values.filter { moves.contains($0.name) }.compactMap(\.database)
        let present = watchers[.dbwatch].flatMap { $0.isUp ? $0.generation : nil }
        return configuration.databases.compactMap { settings in
            guard let row = databases[settings.name] else { return nil }
            var status = DatabaseStatus()
            status.report = row.report
            status.group = settings.group
            status.since = clock(row.since)
            status.isOld = row.reporter != nil && row.reporter != present
            (status.report.state, status.report.cause) = (row.state, row.cause)
            status.isDrained = row.isDrained
            status.users = row.users
            status.moving = moving.count { $0 == settings.name }
            status.before = row.before.map { "\($0)" }
            status.changedAt = clock(row.changedAt)
            return status
        }
    }

    package func userStatuses(_ clock: WallClock) -> [UserStatus] {
        users.values.filter { !$0.isDeleted }.sorted { $0.name < $1.name }.map { status($0, clock) }
    }

    /// The users whose deletion is held back.
    package func pendingDeletions(_ clock: WallClock) -> [PendingDeletion] {
        deletions.held.sorted { $0.key < $1.key }.map { name, held in
            PendingDeletion(name, since: clock(held.since), why: held.why)
        }
    }

    func status(_ user: User, _ clock: WallClock) -> UserStatus {
        var status = UserStatus()
        status.name = user.name
        status.plan = user.settings.plan
        let process = user.actual.first
        status.pid = process?.pid
        status.generation = process?.id.generation ?? user.generation
        status.since = clock(user.since)
        status.database = user.database
        status.package = process.map(\.version) ?? user.version
        status.restarts = user.restarts
        status.lastExit = user.lastExit
        status.health = user.health.map { "\($0)" }
        status.latency = user.latency
        let (state, reason) = describe(user, clock.now)
        (status.state, status.reason) = (state, reason?.clipped())
        return status
    }

    /// The state in the operator's words, and why where it is not simply ready.
    private func describe(_ user: User, _ now: Instant) -> (state: String, reason: String?) {
        switch (wanted(user), user.actual) {
        case (.down(.held(let reason)), .stopping): ("stopping", "held: \(reason)")
        case (.down(.held(let reason)), _): ("held", reason)
        case (.down(.disabled), .stopping): ("stopping", "disabled in user.yaml")
        case (.down(.disabled), _): ("disabled", "enabled: false in user.yaml")
        case (.down(.databaseUnavailable(let why)), _), (.down(.noDatabase(let why)), _): ("held", why)
        case (.down(.databaseUnknown(let why)), .absent): ("queued", why)
        case (_, .absent) where !hasVersion(user): ("queued", "waits for a version: \(user.versionTrouble ?? "")")
        case (_, .absent): ("queued", "about to start")
        case (_, .queued): ("queued", user.fault ?? describeQueue(user))
        case (_, .starting): ("starting", user.lastFailure ?? user.lastExit.map { "after \($0)" })
        case (_, .swapping(let old, _)):
            (
                "swapping",
                ["a new process starts while the old one serves", describeExcess(user, old)].compactMap(\.self)
                    .joined(separator: ": ")
            )
        case (_, .stopping(let departure)) where departure.process.plan.database != user.database:
            ("stopping", "moves to database \(user.database ?? "none")")
        case (_, .stopping(let departure)):
            (
                "stopping",
                departure.process.failure ?? describeExcess(user, departure.process) ?? "to be started again"
            )
        case (_, .waiting(let until)) where user.startTrouble != nil:
            ("waiting", describeTrouble(user).map { "\($0); next try in \(seconds(until, now)) s" })
        case (_, .waiting(let until)):
            (
                user.history.isCrashLooping ? "crash-looping" : "waiting",
                "\(user.lastFailure ?? user.lastExit ?? "died"); next start in \(seconds(until, now)) s"
            )
        case (_, .ready(let process, _)): describeReady(user, process)
        }
    }

    private func describeReady(_ user: User, _ process: Process) -> (state: String, reason: String?) {
        if user.claims.isReturning { return ("held", describeQueue(user)) }
        if user.face?.standIn != nil { return ("held", "waits for a passed check") }
        if let failure = user.swapFailure { return ("ready", "new settings failed: \(failure)") }
        if let failure = user.upgradeFailure { return ("ready", failure) }
        let trouble = describeTrouble(user) ?? user.fault ?? describeExcess(user, process) ?? describeVersion(user)
        return ("ready", trouble ?? describeHeldDeletion(user))
    }

    private func describeQueue(_ user: User) -> String {
        guard let name = user.database, let row = databases[name], !row.hasRoom else {
            return "waits for a place among \(admission.limit) starting at a time"
        }
        return "waits for a place among \(row.arriving.count) processes that connect to database \(name) at a time"
    }

    private func describeTrouble(_ user: User) -> String? {
        user.startTrouble.map { "no process can be made: \($0.why)" }
    }

    private func describeExcess(_ user: User, _ process: Process) -> String? {
        process.excess(over: limits(user).memory).map { "too much memory: \($0)" }
    }

    /// Why it does not run the version that it should.
    private func describeVersion(_ user: User) -> String? {
        user.versionTrouble.map { "runs \(user.runningVersion ?? "no version"): \($0)" }
    }

    private func describeHeldDeletion(_ user: User) -> String? {
        deletions.held[user.name].map { "gone, its deletion is held back: \($0.why)" }
    }

    private func seconds(_ until: Instant, _ now: Instant) -> Double {
        max(0, ((until - now).milliseconds / 100).rounded() / 10)
    }
}
