// What must hold in the simulated world, whatever happens.

import Glibc
import Shared

@testable import Policy

enum Rule: String, CaseIterable {
    case socketNumberOnce = "the number of a socket is used once"
    case workerNumberOnce = "the number of a worker is used once"
    case heldSocketsOnly = "only sockets that are there are answered, linked, looked at, started on and retired"
    case noRetireUnderAWorker = "no socket is retired while a worker is on it"
    case noRetireUnderTheLink = "no socket is retired while the link points to it"
    case oneWorkerASocket = "a socket has one worker"
    case oneDatabaseAUser = "the workers of a user are on one database"
    case aloneUnderStopFirst = "stop-first: no worker starts beside another"
    case terminatedOnce = "SIGTERM is sent once"
    case checkedWhileThere = "only workers that are there are checked"
    case watchedOnce = "a socket is watched once at a time"
    case startLimit = "no more are starting than may"
    case noLeakedPlace = "a place among the starting ones belongs to a worker that is there"
    case counted = "a database counts the users who work on it"
    case arrivalsLimit = "no more arrive on a database than two thirds of its connections, and each of them is there"
    case rightVersion = "a worker is started on a version that is there"
    case rolloutLimit = "no more are between two versions than may be"
    case heldVersion = "nobody is sent to a version that is held"
    case stoppedOnce = "that a rollout stops is told once"
    case servedThrough = "the link moves from one that serves to another one that does"
    case movesLimit = "no more are moved at a time than may be starting"
    case savedFirst = "a user's record is written before anything that follows from it is done"
    case saved = "after each step the records are what the next master has to know"
    case kept = "holds, versions, deletions and the upgrade are kept when they change"
    case noLostPlace = "who is starting has a place for five seconds"
    case queues = "a place in a queue, a count or a flag belongs to somebody whom it is about"
    case deadlines = "a deadline is set exactly where somebody waits for it"
    case watched = "a watcher that hangs is replaced within ten seconds"
    case bounded = "the events come to an end"
    case noLeakedSocket = "a socket is somebody's"
    case linked = "the link is where it should be"
    case served = "nobody is unserved for more than eight seconds"
    case calm = "when all is calm, everybody is ready on a plan that works, and nothing is left over"
    case informed = "dispatch and keeper know what their successors would be told"
    case end = "after the stop nothing is left"
}

struct Violation: CustomStringConvertible {
    let rule: Rule
    let detail: String

    var description: String { "\(rule.rawValue): \(detail)" }
}

extension Simulation {
    /// Long enough for SIGABRT and SIGKILL, and for the patience of the requests that wait for the next one. Where
    /// workers count as ready as soon as their program runs, each try of one that dies at once asks for that patience
    /// again, until it is a crash loop.
    private var serviceLimit: Duration { .seconds(wasTrusted ? 14 : 8) }

    func expect(_ isTrue: Bool, _ rule: Rule, _ detail: @autoclosure () -> String) {
        // The first of each kind tells most.
        guard !isTrue, !violations.contains(where: { $0.rule == rule }) else { return }
        let seconds = Double(now.nanoseconds) / 1e9
        violations.append(Violation(rule: rule, detail: "\(detail()) at \(seconds)"))
        guard violations.count == 1 else { return }
        let last = trace.suffix(getenv("STEWARD_SEED") == nil ? 60 : 1000)
        report = last.map(\.description).joined(separator: "\n")
    }

    // MARK: effects, before they are performed

    func judge(_ effect: Effect) {
        switch effect {
        case .open(let socket): judgeOpen(socket)
        case .retire(let socket, _): judgeRetire(socket)
        case .link(let socket):
            expectThere(socket, effect)
            judgeLink(socket)
        case .record(let happening):
            judgeRecord(happening)
        case .answer(let socket, _), .quiet(let socket), .probe(let socket, _):
            expectThere(socket, effect)
        case .watch(let socket):
            expectThere(socket, effect)
            expect(!watched.contains(socket), .watchedOnce, "\(socket)")
        case .start(let id, let socket, let plan, _):
            expectThere(socket, effect)
            judgeStart(id, socket, plan)
        case .signal(let id, Signal.terminate, _):
            expect(workers[id]?.isTerminated != true, .terminatedOnce, "\(id)")
        case .check(let order):
            expect(workers[order.worker] != nil, .checkedWhileThere, "\(order.worker)")
        case .welcome, .unlink, .unwatch, .measure, .signal, .forget, .suspect, .startWatcher, .killWatcher,
            .dismissWatcher, .ping, .snapshot, .moveLogs, .save, .erase, .keepHold, .keepDrained, .keepDeletions,
            .keepVersions,
            .keepUpgrade, .giveWay, .finish:
            break
        }
    }

    /// What could not be made counts as there: it is going to be made again.
    private func expectThere(_ socket: SocketID, _ effect: Effect) {
        expect(held.contains(socket) || unmade.contains(socket), .heldSocketsOnly, "\(effect)")
    }

    private func judgeOpen(_ socket: SocketID) {
        let isRepair = supervisor.users[socket.user]?.face?.socket == socket
        let namesake = WorkerID(user: socket.user, generation: socket.generation)
        let isNew = !everOpened.contains(socket) && !everStarted.contains(namesake)
        expect(isNew || isRepair, .socketNumberOnce, "\(socket)")
    }

    private func judgeRetire(_ socket: SocketID) {
        if lost.contains(socket) { return }
        expectThere(socket, .retire(socket, .restarting))
        expect(!workers.values.contains { $0.socket == socket }, .noRetireUnderAWorker, "\(socket)")
        let isLinked = links[socket.user] == socket && !brokenLinks.contains(socket.user)
        expect(!isLinked, .noRetireUnderTheLink, "\(socket)")
    }

    private func judgeStart(_ id: WorkerID, _ socket: SocketID, _ plan: WorkerPlan) {
        expect(!everStarted.contains(id), .workerNumberOnce, "\(id)")
        expect(isRight(plan, id.user), .rightVersion, "\(id) on \(plan.version ?? "none")")
        expect(mayBeSent(to: plan.version, id.user), .heldVersion, "\(id) to \(plan.version ?? "none")")
        for (other, worker) in workers where other.user == id.user {
            expect(worker.socket != socket, .oneWorkerASocket, "\(id) and \(other)")
            let isSame = worker.plan.database == plan.database && worker.plan.env["PGHOST"] == plan.env["PGHOST"]
            expect(isSame, .oneDatabaseAUser, "\(id) and \(other)")
            expect(supervisor.configuration.worker.swap == .overlap, .aloneUnderStopFirst, "\(id) and \(other)")
        }
    }

    // MARK: the state, after each step

    func judgePlaces() {
        let (starting, underway) = (supervisor.starting, supervisor.moves.underway)
        let limit = max(supervisor.startLimit, allowance)
        allowance = min(allowance, max(starting.count, underway.count))
        expect(starting.count <= limit, .startLimit, "\(starting)")
        for id in starting where workers[id] == nil { expect(false, .noLeakedPlace, "\(id)") }
        expect(underway.count <= limit, .movesLimit, "\(underway)")
        for (name, row) in supervisor.databases.rows {
            let count = supervisor.users.values.count { $0.database == name }
            expect(row.users == count, .counted, "\(name) counts \(row.users), not \(count)")
            judgeArrivals(name, row)
        }
        judgeRollout()
        adopted = supervisor.adopted
    }

    /// Users that an earlier master has changed, and that are not known to be proved, count in any number.
    private func judgeRollout() {
        let count = supervisor.upgrade.rollout?.underway.count ?? 0
        let limit = max(supervisor.configuration.upgrade.parallel, underway)
        expect(count <= limit || !supervisor.isComplete, .rolloutLimit, "\(count)")
        underway = count
    }

    private func judgeRecord(_ happening: Happening) {
        guard happening.rule == "upgrade", happening.text.contains(" stopped and held, ") else { return }
        guard let began = supervisor.upgrade.rollout?.startedAt else { return }
        expect(stops.insert(began).inserted, .stoppedOnce, happening.text)
    }

    private func judgeLink(_ socket: SocketID) {
        guard !isTrusted, let user = supervisor.users[socket.user], supervisor.wanted(user) == .up else { return }
        guard !answering.contains(socket), let former = links[socket.user], former != socket else { return }
        let served = workers.values.contains { worker in
            let isHome = worker.plan.database == user.database && worker.plan.place == supervisor.place(user)
            return worker.socket == former && worker.isServing && quality(worker.plan) == .works && isHome
        }
        let serves = workers.values.contains { $0.socket == socket && $0.isServing }
        expect(!served || serves, .servedThrough, "from \(former) to \(socket)")
    }

    /// A process that was arriving when an earlier master died is there, and counts, whatever there is room for.
    private func judgeArrivals(_ name: String, _ row: DatabaseRow) {
        let limit = row.maxConnections.map { max(1, $0 * 2 / 3) } ?? .max
        let mayBe = max(limit, arrivals[name, default: 0])
        let isWithin = row.arriving.count <= mayBe || supervisor.adopted > adopted
        let areThere = row.arriving.allSatisfy { workers[$0] != nil }
        expect(areThere && isWithin, .arrivalsLimit, "\(name): \(row.arriving)")
        arrivals[name] = row.arriving.count
    }

    func judgeService() {
        for (name, user) in supervisor.users where !user.isDeleted && !supervisor.isStopping {
            if isServed(name) {
                unservedSince[name] = nil
            } else if let since = unservedSince[name] {
                expect(now - since <= serviceLimit, .served, "\(name) for \(now - since), \(user.actual.words)")
            } else {
                unservedSince[name] = now
            }
        }
    }

    private func isServed(_ name: UserName) -> Bool {
        guard let socket = links[name], held.contains(socket) else { return false }
        return answering.contains(socket) || workers.values.contains { $0.socket == socket && $0.isServing }
    }

    // MARK: calm times, and the end

    /// The operator's pin, what the user runs already, and what is left where nothing else is there, are exceptions.
    func mayBeSent(to version: String?, _ name: UserName) -> Bool {
        guard let version, supervisor.upgrade.held[version] != nil, let user = supervisor.users[name] else {
            return true
        }
        if user.settings.package == version { return true }
        if lastVersions[name] == version { return user.formerVersion == nil }
        return supervisor.upgrade.inForce.map { supervisor.versions.objection(to: $0) != nil } ?? true
    }

    func judgeCalm() {
        for name in Self.names { judgeCalm(name) }
        let faces = Set(supervisor.users.values.compactMap { $0.face?.socket })
        expect(held == faces && unmade.isEmpty, .calm, "sockets \(held), faces \(faces)")
        expect(supervisor.starting.isEmpty, .calm, "starting: \(supervisor.starting)")
        expect(supervisor.replacing.isEmpty, .calm, "being replaced: \(supervisor.replacing)")
        expect(watched.isEmpty, .calm, "watched: \(watched)")
        expect(supervisor.upgrade.rollout == nil, .calm, "upgrading: \(String(describing: supervisor.upgrade.rollout))")
        expect(supervisor.upgrade.newSettings == nil, .calm, "new settings: \(supervisor.settingsNotice ?? "")")
        expect(supervisor.moves.isEmpty, .calm, "moving: \(supervisor.moves)")
        for (name, row) in supervisor.databases.rows where !row.isUsable && supervisor.hasAlternative(name) {
            expect(row.users == 0, .calm, "\(row.users) users are still on \(name), \(row.standing)")
        }
        for row in supervisor.databases.rows.values { expect(row.arriving.isEmpty, .calm, "arriving: \(row.arriving)") }
        expect(supervisor.returning == 0, .calm, "some wait for their return")
        let due = supervisor.checkOrders
        let isInformed = orders.count == due.count && due.allSatisfy { orders[$0.worker] == $0 }
        expect(isInformed, .informed, "checked are \(orders.keys), due are \(due.map(\.worker))")
        expect(answering == Set(supervisor.standIns.map(\.socket)), .informed, "answering on \(answering)")
    }

    private func judgeCalm(_ name: UserName) {
        guard let user = supervisor.users[name] else {
            return expect(files[name] == nil, .calm, "\(name) is missing")
        }
        expect(files[name] != nil, .calm, "\(name) is still there: \(user.processes.map(\.id))")
        guard files[name] != nil else { return }
        guard let process = user.readyProcess else {
            return expect(false, .calm, "\(name) is \(user.actual.words)")
        }
        let plan = supervisor.plan(for: user).identity
        expect(!supervisor.isOutdated(process, user) || user.failedPlan == plan, .calm, "\(name) has an old plan")
        expect(user.settings == files[name], .calm, "\(name) has old settings")
        if supervisor.configuration.packages != nil, supervisor.follows(user.settings) {
            expect(user.version == "good", .calm, "\(name) is to run \(user.version ?? "none")")
        }
        let isFace = user.face == Face(socket: process.socket)
        expect(isFace, .calm, "\(name): \(process.id) and \(String(describing: user.face))")
        expect(links[name] == process.socket && isServed(name), .calm, "\(name) is not served")
        expect(user.departing.isEmpty, .calm, "\(name) has leaving processes: \(user.departing.keys)")
    }

    func judgeEnd() {
        judgeLastWill()
        expect(supervisor.hasFinished, .end, "users \(supervisor.users.keys), \(supervisor.watchers)")
        expect(workers.isEmpty, .end, "workers \(workers.keys)")
        expect(held.isEmpty && unmade.isEmpty, .end, "sockets \(held)")
        expect(links.isEmpty, .end, "links \(links)")
    }
}
