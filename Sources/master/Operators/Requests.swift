// What is done about a request of the operator.

import Glibc
import Policy
import Shared
import SharedSystem

extension ControlRequest {
    /// Whether it takes a client that may change things.
    fileprivate var isOrder: Bool {
        switch self {
        case .status, .why, .events, .databases, .preview: false
        case .restart, .hold, .release, .drain, .undrain, .rebalance, .confirmDelete, .reload, .stop: true
        case .upgrade(let request): request.action != .preview
        }
    }
}

extension Desk {
    func answer(_ request: ControlRequest, _ client: ControlClient, _ office: some BackOffice) {
        guard client.mayChange || !request.isOrder else { return send(Self.notAllowed, to: client) }
        send(answers(request, client, office), to: client)
        // Both only after the answer.
        if case .events(let request) = request, request.follow { client.follows = request }
        if case .stop = request { office.feed(.stop) }
    }

    private static var notAllowed: [ControlAnswer] {
        refusal("only root, the account of master and operators may do that")
    }

    private static func refusal(_ why: String) -> [ControlAnswer] { [.refused(TextLine(why))] }

    private func answers(
        _ request: ControlRequest, _ client: ControlClient, _ office: some BackOffice
    ) -> [ControlAnswer] {
        let clock = WallClock(wall: wallClock(), now: .now())
        switch request {
        case .status: return statusAnswers(office, clock)
        case .why(let name): return whyAnswers(name, office, clock)
        case .events(let request):
            let events = office.journal.events.filter(request.wants).map { ControlAnswer.event($0) }
            return request.follow ? events : events + [.done]
        case .databases: return office.supervisor.databaseStatuses(clock).map { .database($0) } + [.done]
        case .restart(let request): return change(request, office) { restart($0, office) }
        case .hold(let request):
            let reason = Self.line(request.reason ?? "held by the operator")
            return change(request, office) { follow(.hold($0, reason: reason), about: "\($0)", office) }
        case .release(let request): return change(request, office) { release($0, office) }
        case .drain(let request): return drain(request.name, true, office)
        case .undrain(let request): return drain(request.name, false, office)
        case .rebalance:
            office.feed(.rebalance)
            return [.done]
        case .upgrade(let request): return upgrade(request, office)
        case .confirmDelete(let request): return confirmDelete(request.users, office)
        case .reload(let request): return reload(request, office)
        case .preview(let request): return preview(request.file, client, office)
        case .stop: return [.done]
        }
    }

    // MARK: users

    /// Does something for each user; nothing for any where one of them is not there.
    ///
    /// - Parameter body: answers why it is refused for a user.
    private func change(
        _ request: UsersRequest, _ office: some BackOffice, _ body: (UserName) -> String?
    ) -> [ControlAnswer] {
        if let unknown = request.users.first(where: { office.supervisor.users[$0]?.isDeleted != false }) {
            return Self.refusal("no user \(unknown)")
        }
        let refusals = request.users.compactMap(body)
        return refusals.isEmpty ? [.done] : Self.refusal(refusals.listed(atMost: 20, separator: "; "))
    }

    private func restart(_ name: UserName, _ office: some BackOffice) -> String? {
        if let hold = office.supervisor.users[name]?.hold { return "\(name) is held: \(hold)" }
        if office.supervisor.users[name]?.settings.enabled == false { return "\(name) is disabled" }
        office.feed(.restart(name))
        return nil
    }

    private func release(_ name: UserName, _ office: some BackOffice) -> String? {
        guard office.supervisor.users[name]?.hold != nil else { return "\(name) is not held" }
        return follow(.release(name), about: "\(name)", office)
    }

    /// An order that is to outlive master: only what is kept is promised.
    ///
    /// - Returns: why it is refused.
    private func follow(_ order: Event, about subject: String, _ office: some BackOffice) -> String? {
        do {
            try office.follow(order)
            return nil
        } catch {
            return "\(subject): \(error)"
        }
    }

    private func confirmDelete(_ names: [UserName], _ office: some BackOffice) -> [ControlAnswer] {
        if let objection = office.supervisor.objection(toConfirming: names) { return Self.refusal(objection) }
        office.feed(.confirmDeletions(names))
        return [.done]
    }

    // MARK: databases and versions

    /// Takes a database out of use, or into use again; for the next master, too.
    private func drain(_ name: String, _ isDrained: Bool, _ office: some BackOffice) -> [ControlAnswer] {
        guard office.supervisor.databaseNames.contains(name) else {
            return Self.refusal("no database \(Self.line(name))")
        }
        guard isDrained || office.supervisor.isDrained(name) else { return Self.refusal("\(name) is not drained") }
        if let failure = follow(isDrained ? .drain(name) : .undrain(name), about: name, office) {
            return Self.refusal(failure)
        }
        let staying = isDrained ? office.supervisor.stranded(on: name) : 0
        return (staying > 0 ? [.stranded(StrandedUsers(database: name, users: staying))] : []) + [.done]
    }

    private func upgrade(_ request: UpgradeRequest, _ office: some BackOffice) -> [ControlAnswer] {
        if let objection = office.supervisor.objection(to: request) { return Self.refusal(Self.line(objection)) }
        switch (request.action, request.version ?? office.supervisor.currentVersion) {
        case (.preview, let version?): return office.supervisor.upgradePreview(version) + [.done]
        case (.start, let version?): office.feed(.upgrade(.start(version)))
        case (.preview, nil), (.start, nil): break
        case (.pause, _): office.feed(.upgrade(.pause))
        case (.resume, _): office.feed(.upgrade(.resume))
        case (.abort, _): office.feed(.upgrade(.abort))
        }
        return [.done]
    }

    // MARK: the configuration file

    private func reload(_ request: ReloadRequest, _ office: some BackOffice) -> [ControlAnswer] {
        office.reload(isConfirmed: request.isConfirmed)
        return office.supervisor.reloadAnswers
    }

    /// What is wrong with a file tells something of its content: an operator may ask about master's own one only.
    private func preview(_ file: String?, _ client: ControlClient, _ office: some BackOffice) -> [ControlAnswer] {
        let path = file ?? office.settings.path
        guard client.isMaster || client.mayChange && path == office.settings.path else { return Self.notAllowed }
        switch SettingsFile.read(path) {
        case .success(let configuration):
            return office.supervisor.previewAnswers(configuration)
        case .failure(let error): return Self.refusal("\(error)")
        }
    }

    /// One line of bounded length.
    private static func line(_ text: String) -> String {
        String(text.prefix(200).map { $0.isNewline ? " " : $0 })
    }

    // MARK: what there is

    private func statusAnswers(_ office: some BackOffice, _ clock: WallClock) -> [ControlAnswer] {
        let supervisor = office.supervisor
        var master = MasterStatus()
        master.pid = getpid()
        master.version = stewardVersion
        master.since = startedAt
        master.adopted = supervisor.adopted
        master.configuration = supervisor.reading?.complaint ?? supervisor.settingsNotice
        return [.master(master)] + (supervisor.watcherStatuses() + [office.launchStatus]).map { .watcher($0) }
            + supervisor.databaseStatuses(clock).map { .database($0) }
            + supervisor.userStatuses(clock).map { .user($0) }
            + supervisor.packageStatuses().map { .package($0) }
            + supervisor.packageTroubles.map { .packageTrouble(TextLine($0)) }
            + supervisor.pendingDeletions(clock).map { .pendingDeletion($0) }
            + [supervisor.upgradeStatus(clock)].compactMap(\.self).map { .upgrade($0) }
            + supervisor.faults.sorted { $0.key < $1.key }.map { .fault(UserFault(name: $0, text: $1)) }
            + [.done]
    }

    private func whyAnswers(_ name: UserName, _ office: some BackOffice, _ clock: WallClock) -> [ControlAnswer] {
        let events = office.journal.last(10, of: name)
        let explanation = office.supervisor.explanation(name, clock)
        guard explanation != nil || !events.isEmpty else { return Self.refusal("no user \(name)") }
        return [explanation].compactMap(\.self) + events.map { .event($0) } + [.done]
    }
}
