// What is done about a request of the operator.

import Glibc
import Shared

extension Loop {
    func acceptClient() throws {
        while let (client, surplus) = try control.accept() {
            if let surplus { closeClient(surplus) }
            try poller.add(client.channel.descriptor.number, .readable, as: .client)
        }
    }

    private func closeClient(_ fd: Int32) {
        poller.remove(fd)
        control.close(fd)
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
                self.feed(.hold(name, reason: request.reason ?? "held by the operator"))
                return nil
            }
        case .release(let request):
            change(request, client) { name in
                guard self.supervisor.users[name]?.hold != nil else { return "\(name) is not held" }
                self.feed(.release(name))
                return nil
            }
        case .stop:
            guard client.mayChange else { return refuse(client) }
            send([.done], to: client)
            feed(.stop)
        }
    }

    private func refuse(_ client: ControlClient) {
        send([.refused(TextLine("only root and the account of master may do that"))], to: client)
    }

    /// Does something for each user; nothing for any where one of them is not there.
    private func change(_ request: UsersRequest, _ client: ControlClient, _ body: (UserName) -> String?) {
        guard client.mayChange else { return refuse(client) }
        if let unknown = request.users.first(where: { supervisor.users[$0]?.isDeleted != false }) {
            return send([.refused(TextLine("no user \(unknown)"))], to: client)
        }
        let refusals = request.users.compactMap(body)
        send([refusals.isEmpty ? .done : .refused(TextLine(refusals.joined(separator: "; ")))], to: client)
    }

    private func statusAnswers(_ clock: WallClock) -> [ControlAnswer] {
        var master = MasterStatus()
        master.pid = getpid()
        master.version = stewardVersion
        master.since = startedAt
        return [.master(master)] + supervisor.watcherStatuses().map { .watcher($0) }
            + supervisor.databaseStatuses(clock).map { .database($0) }
            + supervisor.userStatuses(clock).map { .user($0) } + [.done]
    }

    private func whyAnswers(_ name: UserName, _ clock: WallClock) -> [ControlAnswer] {
        let events = journal.last(10, of: name)
        guard let lines = supervisor.explanation(name, clock) ?? (events.isEmpty ? nil : ["\(name) is no user now"])
        else { return [.refused(TextLine("no user \(name)"))] }
        return lines.map { .line(TextLine($0)) } + events.map { .event($0) } + [.done]
    }
}
