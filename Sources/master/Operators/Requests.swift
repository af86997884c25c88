// What is done about a request of the operator.

import Glibc
import Policy
import Shared
import SharedSystem

extension Loop {
    func acceptClient() throws {
        do {
            guard let (client, surplus) = try control.accept() else { return }
            if let surplus { closeClient(surplus) }
            try poller.add(client.channel.descriptor.number, .readable, as: .client)
        } catch {
            // It would be reported again at once, and for ever.
            poller.remove(control.listener.number)
            throw error
        }
    }

    private func closeClient(_ fd: Int32) {
        poller.remove(fd)
        control.close(fd)
        do { try restoreListener() } catch { log.error("\(error)") }
    }

    func restoreListener() throws {
        let listener = control.listener.number
        if !poller.knows(listener) { try poller.add(listener, .readable, as: .control) }
    }

    /// Whatever is wrong with a connection costs that connection only.
    func serveClient(_ fd: Int32, _ readiness: Readiness) throws {
        guard let client = control.clients[fd] else { return }
        do {
            if readiness.contains(.writable) { try client.channel.flush() }
            if !readiness.isDisjoint(with: [.readable, .hangup]) {
                for received in try client.channel.receive() {
                    guard case .body(let request) = received.packet else { throw WireError.invalid("request") }
                    answer(request, client)
                    guard control.clients[fd] === client else { return }
                }
            }
            if control.clients[fd] === client { try poller.change(fd, client.channel.interest) }
        } catch ChannelError.closed {
            closeClient(fd)
        } catch {
            log.notice("control connection closed: \(error)")
            closeClient(fd)
        }
    }

    func send(_ answers: [ControlAnswer], to client: ControlClient) {
        let fd = client.channel.descriptor.number
        do {
            for answer in answers { try client.channel.send(answer) }
            try poller.change(fd, client.channel.interest)
        } catch {
            closeClient(fd)
        }
    }

    private func answer(_ request: ControlRequest, _ client: ControlClient) {
        let clock = WallClock(wall: wallClock(), now: .now())
        switch request {
        case .status:
            send(statusAnswers(clock), to: client)
        case .why(let name):
            send(whyAnswers(name, clock), to: client)
        case .events(let request):
            let events = journal.events.filter(request.wants).map { ControlAnswer.event($0) }
            send(request.follow ? events : events + [.done], to: client)
            if request.follow { client.follows = request }
        case .restart(let request):
            change(request, client) { name in
                if let hold = self.supervisor.users[name]?.hold { return "\(name) is held: \(hold)" }
                if self.supervisor.users[name]?.settings.enabled == false { return "\(name) is disabled" }
                self.feed(.restart(name))
                return nil
            }
        case .hold(let request):
            change(request, client) { name in
                let reason = Self.line(request.reason ?? "held by the operator")
                if let failure = self.keepHold(name, reason) { return failure }
                self.feed(.hold(name, reason: reason))
                return nil
            }
        case .release(let request):
            change(request, client) { name in
                guard self.supervisor.users[name]?.hold != nil else { return "\(name) is not held" }
                if let failure = self.keepHold(name, nil) { return failure }
                self.feed(.release(name))
                return nil
            }
        case .databases:
            send(supervisor.databaseStatuses(clock).map { .database($0) } + [.done], to: client)
        case .drain(let request):
            drain(request.name, true, client)
        case .undrain(let request):
            drain(request.name, false, client)
        case .rebalance:
            guard client.mayChange else { return refuse(client) }
            feed(.rebalance)
            send([.done], to: client)
        case .upgrade(let request):
            upgrade(request, client)
        case .confirmDelete(let request):
            guard client.mayChange else { return refuse(client) }
            if let objection = supervisor.objection(toConfirming: request.users) {
                return send([.refused(TextLine(objection))], to: client)
            }
            feed(.confirmDeletions(request.users))
            send([.done], to: client)
        case .reload(let request):
            answerReload(request, client)
        case .preview(let request):
            answerPreview(request, client)
        case .stop:
            guard client.mayChange else { return refuse(client) }
            send([.done], to: client)
            feed(.stop)
        }
    }

    /// A hold is to outlive master: only what is kept is promised.
    private func keepHold(_ name: UserName, _ reason: String?) -> String? {
        do {
            try runtime.keepHold(name, reason)
            return nil
        } catch {
            return "\(name): \(error)"
        }
    }

    /// Takes a database out of use, or into use again; for the next master, too.
    private func drain(_ name: String, _ isDrained: Bool, _ client: ControlClient) {
        guard client.mayChange else { return refuse(client) }
        guard let row = supervisor.databases[name] else {
            return send([.refused(TextLine("no database \(Self.line(name))"))], to: client)
        }
        guard isDrained || row.isDrained else {
            return send([.refused(TextLine("\(name) is not drained"))], to: client)
        }
        do {
            let others = supervisor.databases.values.filter { $0.isDrained && $0.settings.name != name }
            try runtime.keepDrained(Set(others.map(\.settings.name) + (isDrained ? [name] : [])))
        } catch {
            return send([.refused(TextLine("\(name): \(error)"))], to: client)
        }
        feed(isDrained ? .drain(name) : .undrain(name))
        let isStranded = isDrained && row.users > 0 && !supervisor.hasAlternative(name)
        let stranded = StrandedUsers(database: name, users: row.users)
        send((isStranded ? [.stranded(stranded)] : []) + [.done], to: client)
    }

    private func upgrade(_ request: UpgradeRequest, _ client: ControlClient) {
        guard client.mayChange || request.action == .preview else { return refuse(client) }
        if let objection = supervisor.objection(to: request) {
            return send([.refused(TextLine(Self.line(objection)))], to: client)
        }
        switch (request.action, request.version ?? supervisor.packages.current) {
        case (.preview, let version?): return send(supervisor.upgradePreview(version) + [.done], to: client)
        case (.start, let version?): feed(.upgrade(.start(version)))
        case (.preview, nil), (.start, nil): break
        case (.pause, _): feed(.upgrade(.pause))
        case (.resume, _): feed(.upgrade(.resume))
        case (.abort, _): feed(.upgrade(.abort))
        }
        send([.done], to: client)
    }

    /// One line of bounded length.
    private static func line(_ text: String) -> String {
        String(text.prefix(200).map { $0.isNewline ? " " : $0 })
    }

    func refuse(_ client: ControlClient) {
        send([.refused(TextLine("only root, the account of master and operators may do that"))], to: client)
    }

    /// Does something for each user; nothing for any where one of them is not there.
    private func change(_ request: UsersRequest, _ client: ControlClient, _ body: (UserName) -> String?) {
        guard client.mayChange else { return refuse(client) }
        if let unknown = request.users.first(where: { supervisor.users[$0]?.isDeleted != false }) {
            return send([.refused(TextLine("no user \(unknown)"))], to: client)
        }
        let refusals = request.users.compactMap(body)
        let why = refusals.listed(atMost: 20, separator: "; ")
        send([refusals.isEmpty ? .done : .refused(TextLine(why))], to: client)
    }

    private func statusAnswers(_ clock: WallClock) -> [ControlAnswer] {
        var master = MasterStatus()
        master.pid = getpid()
        master.version = stewardVersion
        master.since = startedAt
        master.adopted = supervisor.adopted
        master.configuration = supervisor.reading?.complaint ?? supervisor.settingsNotice
        return [.master(master)] + (supervisor.watcherStatuses() + [launcher.status]).map { .watcher($0) }
            + supervisor.databaseStatuses(clock).map { .database($0) }
            + supervisor.userStatuses(clock).map { .user($0) }
            + supervisor.packageStatuses().map { .package($0) }
            + supervisor.packageTroubles.map { .packageTrouble(TextLine($0)) }
            + supervisor.pendingDeletions(clock).map { .pendingDeletion($0) }
            + [supervisor.upgradeStatus(clock)].compactMap(\.self).map { .upgrade($0) }
            + supervisor.faults.sorted { $0.key < $1.key }.map { .fault(UserFault(name: $0, text: $1)) }
            + [.done]
    }

    private func whyAnswers(_ name: UserName, _ clock: WallClock) -> [ControlAnswer] {
        let events = journal.last(10, of: name)
        let explanation = supervisor.explanation(name, clock)
        guard explanation != nil || !events.isEmpty else { return [.refused(TextLine("no user \(name)"))] }
        return [explanation].compactMap(\.self) + events.map { .event($0) } + [.done]
    }
}
