// A play in the simulated world: wild times, calm ones, the end.

import Shared

@testable import Policy

extension Simulation {
    func play() {
        run(.milliseconds(roll(5000)))
        for _ in 0..<(5 + roll(40)) {
            act()
            if roll(3) > 0 { run(.milliseconds([1, 10, 30, 100, 500, 2500, 12000][roll(7)])) }
        }
        // Some are stopped in the middle of it all.
        if roll(4) > 0 {
            calmDown()
            run(.seconds(150))
            judgeCalm()
        }
        send(.stop)
        run(.seconds(60))
        judgeEnd()
    }

    private func act() {
        let name = Self.names[roll(Self.names.count)]
        switch roll(37) {
        case 0, 1, 2: writeFile(name)
        case 3, 4: changeEnvironment(name)
        case 5: deleteFile(name)
        case 6: hold(name)
        case 7, 8: release(name)
        case 9: if isUser(name) { send(.restart(name)) }
        case 10: setDatabase(Self.databases[roll(2)], .unavailable)
        case 11, 12: setDatabase(Self.databases[roll(2)], .available)
        case 13, 14: crash(name)
        case 15: endWatcher(WatcherKind.allCases[roll(WatcherKind.allCases.count)], "signal 11")
        case 16: if roll(3) == 0 { freeze(.seconds(roll(30))) }
        case 17: reportLate()
        case 18: replaceMaster()
        case 19: drain(Self.databases[roll(2)])
        case 20: undrain(Self.databases[roll(2)])
        case 21: send(.rebalance)
        case 22: if roll(3) == 0 { flap(Self.databases[roll(2)]) }
        case 28, 29, 30: if supervisor.configuration.packages != nil { changePackages() }
        case 31, 32, 33: steerUpgrade()
        case 23: send(.confirmDeletions(roll(2) == 0 ? [name] : []))
        case 24, 25: changeConfiguration()
        default: deleteAndWriteAgain(name)
        }
    }

    /// What is broken is mended; what is not is left alone, and so must get well by itself.
    private func calmDown() {
        isCalm = true
        for kind in WatcherKind.allCases where hangs(kind) { endWatcher(kind, "signal 9") }
        // A master that has just begun knows no user yet.
        run(.milliseconds(50))
        for name in Self.databases { setDatabase(name, .available) }
        mendConfiguration()
        for name in Self.names {
            release(name)
            mend(name)
        }
        if supervisor.configuration.packages != nil { mendPackages() }
        // No user is left on the list of those held back.
        run(DeletionFuse.longest)
        send(.confirmDeletions([]))
        // What failed in wild times is judged by now.
        run(.seconds(5))
        mendConfiguration()
    }

    private func isUser(_ name: UserName) -> Bool {
        supervisor.users[name]?.isDeleted == false
    }

    // MARK: the operator

    private func hold(_ name: UserName) {
        guard isUser(name) else { return }
        order(.hold(name, reason: "unpaid"))
    }

    private func release(_ name: UserName) {
        guard supervisor.users[name] != nil else { return }
        order(.release(name))
    }

    /// What the order promises is kept before it is followed.
    private func order(_ event: Event) {
        if let promise = supervisor.promise(of: event) { _ = perform(promise) }
        send(event)
    }

    private func writeFile(_ name: UserName) {
        var file = UserSettings()
        file.name = name
        file.folder = "/srv/users/\(name)"
        file.database = ["a", "b", "main", "nowhere", nil][roll(5)]
        file.env["QUALITY"] = ["good", "fine", "dies", "hangs", "good"][roll(5)]
        file.enabled = roll(6) > 0
        if roll(4) == 0 { file.check.path = "/ping" }
        file.plan = roll(2) == 0 ? .free : .paid
        file.package = [nil, nil, nil, "1", "2", "9"][roll(6)]
        save(file)
    }

    private func save(_ file: UserSettings) {
        let isNew = files.updateValue(file, forKey: file.name) == nil
        say(.pathwatch, .path(isNew ? .adduser(file) : .moduser(file)))
    }

    private func changeEnvironment(_ name: UserName) {
        guard var file = files[name] else { return writeFile(name) }
        file.env["QUALITY"] = ["good", "fine", "dies", "hangs"][roll(4)]
        save(file)
    }

    private func mend(_ name: UserName) {
        guard var file = files[name] else { return }
        let before = file
        file.enabled = true
        if !isDatabase(file.database) { file.database = nil }
        if ["dies", "hangs"].contains(file.env["QUALITY"]) { file.env["QUALITY"] = "good" }
        if quality(file.package) != .works { file.package = nil }
        // Nothing else brings them to another version.
        let versions = [supervisor.users[name]?.version ?? supervisor.versionInForce, lastVersions[name]]
        if !supervisor.follows(file), versions.contains(where: { quality($0) != .works }) { file.package = "good" }
        if file != before { save(file) }
    }

    private func deleteFile(_ name: UserName) {
        guard files.removeValue(forKey: name) != nil else { return }
        unservedSince[name] = nil
        say(.pathwatch, .path(.deluser(name)))
    }

    private func deleteAndWriteAgain(_ name: UserName) {
        guard roll(6) == 0 else { return }
        deleteFile(name)
        run(.milliseconds(roll(3000)))
        writeFile(name)
    }

    // MARK: the rest of the world

    private func setDatabase(_ name: String, _ state: DatabaseState) {
        databaseStates[name] = state
        sayDatabase(name, state)
    }

    private func drain(_ name: String) {
        order(.drain(name))
    }

    private func undrain(_ name: String) {
        order(.undrain(name))
    }

    /// It comes and goes, often enough to be damped.
    private func flap(_ name: String) {
        for _ in 0..<3 {
            setDatabase(name, .unavailable)
            run(.milliseconds(roll(2000)))
            setDatabase(name, .available)
            run(.milliseconds(roll(2000)))
        }
    }

    private func crash(_ name: UserName) {
        let candidates = workers.filter { $0.key.user == name && $0.value.isTold }.keys
            .sorted { $0.generation < $1.generation }
        let id = roll(2) == 0 ? candidates.last : candidates.randomElement(using: &chance)
        if let id { end(id, .signal(11)) }
    }

    /// Something is heard of a worker that has ended.
    private func reportLate() {
        let ended = everStarted.filter { workers[$0] == nil }.sorted { "\($0)" < "\($1)" }
        guard let id = ended.randomElement(using: &chance) else { return }
        switch roll(5) {
        case 0: send(.notified(id, .ready))
        case 1: send(.executed(id))
        case 2: send(.probed(id, isEmpty: true))
        case 3: send(.exited(id, .code(0)))
        default: send(.awaited(SocketID(of: id)))
        }
    }
}
