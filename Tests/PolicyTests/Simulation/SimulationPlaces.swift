// Places, flags and deadlines: each belongs to a user that is there, in the state that justifies it.

import Shared

@testable import Policy

extension Simulation {
    /// Once all that came of an event has been performed.
    func judgeBelongings() {
        for (name, user) in supervisor.users {
            judgeStarting(user)
            judgeQueues(user)
            judgeArriving(user)
            judgeDeadlines(user)
            judgeFace(name, user)
        }
        let alive = Set(supervisor.users.values.flatMap { $0.processes.map(\.id) })
        for id in supervisor.starting { expect(alive.contains(id), .noLeakedPlace, "\(id)") }
        // What is due of any user is known above.
        if let first = supervisor.users.values.compactMap(\.deadline).min() {
            let next = supervisor.deadline
            expect(next.map { $0 <= first } == true, .deadlines, "\(first), and next is \(String(describing: next))")
        }
        judgeCounts()
        judgeGone()
        judgeInformed()
    }

    // MARK: places

    /// A place among the starting ones is for the first five seconds of a process that is not ready, does not leave and
    /// does not wait for its database.
    private func judgeStarting(_ user: User) {
        let starting: Process? =
            switch user.actual {
            case .starting(let start), .swapping(_, .starting(let start)): start.process
            case .absent, .queued, .ready, .swapping, .stopping, .waiting: nil
            }
        for process in user.processes {
            let has = supervisor.starting.contains(process.id)
            guard process.id == starting?.id, process.readyAt == nil else {
                expect(!has, .noLeakedPlace, "\(process.id), \(user.actual.words)")
                continue
            }
            let age = now - process.startedAt
            if case .down(.databaseUnavailable) = supervisor.wanted(user) {
                lowered.insert(process.id)
                expect(!has, .noLeakedPlace, "\(process.id) without its database")
            }
            if age > User.placeTime { expect(!has, .noLeakedPlace, "\(process.id) after \(age)") }
            let isDue = age < User.placeTime && everAdmitted.contains(process.id) && !lowered.contains(process.id)
            if isDue { expect(has, .noLostPlace, "\(process.id) after \(age)") }
        }
    }

    private func judgeQueues(_ user: User) {
        let name = user.name
        let isReady = if case .ready = user.actual { true } else { false }
        let isUp = supervisor.wanted(user) == .up && !user.isDeleted && !supervisor.isStopping
        let isQueued = supervisor.admission.contains(name)
        if user.actual == .queued, isUp { expect(isQueued, .queues, "\(name) is not queued") }
        if isQueued {
            let mayStart = isUp || isUnknown(user)
            expect(mayStart && (isReady || user.actual == .queued), .queues, "\(name) waits: \(user.actual.words)")
        }
        if case .ready(let process, let service) = user.actual, isUp {
            let waits = isQueued || service.retryAt != nil
            expect(waits || !supervisor.mayReplace(process, user), .queues, "\(name) waits for no swap")
        }
        if supervisor.admission.awaitsReturn(name) {
            expect(isUp && isReady && user.face?.standIn != nil, .queues, "\(name) returns: \(user.actual.words)")
        }
        if case .ready(_, let service) = user.actual, isUp, user.face?.standIn != nil {
            // It returns, or is replaced as soon as there is a place and a process can be made.
            let returns = supervisor.admission.awaitsReturn(name) || service.isAwaited
            let isReplaced = isQueued || service.retryAt != nil
            expect(returns || isReplaced, .queues, "\(name) does not return")
        }
        if user.destination != nil { expect(supervisor.moves.contains(name), .queues, "\(name) does not move") }
        if let socket = supervisor.admission.watched[name] {
            let isRight = isQueued && user.face?.socket == socket
            expect(isRight, .queues, "\(socket) is looked at")
        }
        if supervisor.replacing.contains(name) {
            let isBeingReplaced =
                switch user.actual {
                case .ready: user.swapRequest != nil
                case .swapping, .stopping, .starting, .queued: true
                case .absent: !user.departing.isEmpty || !supervisor.hasVersion(user)
                case .waiting: false
                }
            expect(isBeingReplaced, .queues, "\(name) is being replaced: \(user.actual.words)")
        }
    }

    /// One whose database has come to be another while it was queued stays there until the first word.
    private func isUnknown(_ user: User) -> Bool {
        if case .down(.databaseUnknown) = supervisor.wanted(user) { !user.isDeleted } else { false }
    }

    private func judgeCounts() {
        let (users, names) = (supervisor.users, supervisor.users.keys)
        expect(supervisor.admission.waiting == names.count { supervisor.admission.contains($0) }, .queues, "starts")
        expect(
            supervisor.returning == names.count { supervisor.admission.awaitsReturn($0) }, .queues,
            "returns")
        expect(
            !supervisor.remedies.isBlown || !supervisor.replacing.isEmpty, .queues, "the fuse of the checks is blown")
        for name in supervisor.moves.underway {
            guard let user = users[name] else { continue }
            let isMoving =
                switch user.actual {
                case .absent, .queued, .starting, .stopping: true
                case .ready(let process, _): process.plan.database != user.database
                case .swapping, .waiting: false
                }
            expect(isMoving && !user.isDeleted, .queues, "\(name) moves: \(user.actual.words)")
        }
        for name in Self.databases { judgeDatabase(name) }
        for row in supervisor.databases.rows.values {
            for id in row.arriving { judgeArrival(id, row) }
        }
        guard let rollout = supervisor.upgrade.rollout else { return }
        let (underway, aside, doubts) = (rollout.underway, rollout.aside, Set(rollout.doubts.keys))
        let failures = Set(rollout.failures.keys)
        let all = underway.union(aside).union(doubts).union(failures)
        expect(
            all.count == underway.count + aside.count + doubts.count + failures.count, .queues,
            "some stand twice in the rollout: \(rollout)")
        for name in underway { expect(users[name]?.isDeleted == false, .queues, "\(name) is underway") }
        for name in aside.union(doubts) { expect(users[name] != nil, .queues, "\(name) is aside") }
        if !doubts.isEmpty { expect(rollout.deadline != nil, .deadlines, "doubts") }
    }

    /// Its users are to leave when it has been unavailable for long enough, and it is to be trusted again when it has been
    /// available for long enough.
    private func judgeDatabase(_ name: String) {
        let row = supervisor.databases[name]
        let isGone = row?.state == .unavailable
        expect(
            (row.map { $0.departure == DatabaseRow.Departure.none } ?? true) != isGone, .deadlines,
            "the users of \(name) leave")
        let isBack = row?.flapping.isDamped == true && row?.report.state == .available
        expect((row?.flapping.deadline != nil) == isBack, .deadlines, "\(name) is calm")
        if let due = row?.deadline {
            let next = supervisor.databases.deadline
            expect(next.map { $0 <= due } == true, .deadlines, "\(name) is not looked at")
        }
    }

    /// A process whose connections are new counts as arriving, until the database or the login is another one.
    private func judgeArriving(_ user: User) {
        let arriving: Process?
        switch user.actual {
        case .absent, .queued, .stopping, .waiting: arriving = nil
        case .starting(let start): arriving = start.process
        case .swapping(_, let new): arriving = new.process
        case .ready(let process, let service): arriving = service.isAwaited ? process : nil
        }
        guard let process = arriving, let name = process.plan.database, let row = supervisor.databases[name] else {
            return
        }
        let isOther = row.place != process.plan.place || row.since > process.startedAt
        expect(isOther || row.arriving.contains(process.id), .arrivalsLimit, "\(process.id) does not arrive")
    }

    private func judgeArrival(_ id: WorkerID, _ row: DatabaseRow) {
        let user = supervisor.users[id.user]
        guard let user, let process = user.processes.first(where: { $0.id == id }) else {
            return expect(false, .arrivalsLimit, "\(id), who is gone")
        }
        expect(process.plan.database == row.settings.name, .arrivalsLimit, "\(id) works elsewhere")
        guard case .ready(let serving, let service) = user.actual, serving.id == id else { return }
        expect(user.face?.standIn != nil, .arrivalsLimit, "\(id) has arrived")
        expect(service.isAwaited, .arrivalsLimit, "\(id) is not awaited")
    }

    /// Nothing is left of a user that is gone.
    private func judgeGone() {
        for name in Self.names where supervisor.users[name] == nil {
            expect(!supervisor.moves.contains(name), .queues, "\(name), who is gone, moves")
            expect(supervisor.admission.watched[name] == nil, .queues, "\(name), who is gone, is looked at")
            expect(!supervisor.replacing.contains(name), .queues, "\(name), who is gone, is being replaced")
        }
    }

    // MARK: deadlines

    private func judgeDeadlines(_ user: User) {
        switch user.actual {
        case .absent, .queued, .starting, .swapping, .waiting: break
        case .ready(let process, let service):
            if service.isAwaited { expect(user.face?.standIn != nil, .deadlines, "\(process.id) is ready") }
        case .stopping(let departure): judgeDeparture(departure)
        }
        for departure in user.departing.values { judgeDeparture(departure) }
        judgePatience(user)
    }

    private func judgeDeparture(_ departure: Departure) {
        let id = departure.process.id
        switch departure.phase {
        case .draining: expect(departure.deadline != nil, .deadlines, "\(id) drains")
        case .terminating, .aborting:
            expect(departure.deadline != nil || killed.contains(id), .deadlines, "\(id) ends")
        }
    }

    private func judgePatience(_ user: User) {
        let patience = user.face?.patienceEnd != nil
        let isUnanswered = user.face != nil && user.face?.standIn == nil
        let words = "the patience of \(user.name), \(user.actual.words)"
        switch user.actual {
        case .absent, .queued, .starting, .waiting: expect(patience == isUnanswered, .deadlines, words)
        case .stopping(let departure) where departure.process.readyAt == nil:
            expect(patience == isUnanswered, .deadlines, words)
        case .ready, .swapping, .stopping: expect(!patience, .deadlines, words)
        }
    }

    // MARK: the world

    private func judgeFace(_ name: UserName, _ user: User) {
        let sockets = Set(user.processes.map(\.socket) + [user.face?.socket].compactMap(\.self))
        for socket in held where socket.user == name {
            expect(sockets.contains(socket), .noLeakedSocket, "\(socket), \(user.actual.words)")
        }
        let isBroken = brokenLinks.contains(name) || user.face.map { unmade.contains($0.socket) } == true
        if isBroken { expect(user.repairAt != nil, .deadlines, "the face of \(name)") }
        expect(isBroken || links[name] == user.face?.socket, .linked, "\(name)")
    }

    private func judgeInformed() {
        let due = supervisor.checkOrders
        // The first check of a worker is ordered when its program runs.
        let isInformed = due.allSatisfy { orders[$0.worker] == $0 || $0.awaitsReady && !executed.contains($0.worker) }
        let areDue = Set(orders.keys).isSubset(of: due.map(\.worker))
        expect(isInformed && areDue, .informed, "checked are \(orders.keys), due are \(due.map(\.worker))")
        let isWanted = orders.isEmpty || supervisor.watchers[.dispatch]?.isDismissed == false
        expect(isWanted, .informed, "nobody checks \(orders.keys)")
        let standIns = Set(supervisor.standIns.map(\.socket))
        // Requests that wait on the socket of a leaving process are answered until the socket is retired.
        let leaving = supervisor.users.values.flatMap { $0.leaving.map(\.process.socket) }
        // What an earlier master has left is looked at when its user is reported.
        let others = answering.subtracting(standIns).filter { supervisor.remains[$0.user] == nil }
        let isAnswered = answering.isSuperset(of: standIns.subtracting(unmade)) && others.isSubset(of: leaving)
        expect(isAnswered, .informed, "answering on \(answering), not \(standIns)")
    }
}

extension User {
    fileprivate var leaving: [Departure] {
        if case .stopping(let departure) = actual { departing.values + [departure] } else { Array(departing.values) }
    }
}
