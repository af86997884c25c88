// Users are added, changed and deleted by the reports of pathwatch; what the operator orders for them.

import Shared

extension Supervisor {
    mutating func pathReport(_ report: FromPathwatch) {
        switch report {
        case .adduser(let settings), .moduser(let settings): setUser(settings)
        case .deluser(let name): deluser(name)
        case .fault(let fault): faulty(fault.name, fault.text)
        case .faultless(let name): faultless(name)
        case .complete: complete()
        case .folder(let report): folderReport(report)
        case .package(let manifest): packageReport(manifest)
        case .packageFault(let fault): packageFault(fault)
        case .packageGone(let version): packageGone(version.text)
        case .currentPackage(let report): currentPackage(report)
        case .begin:
            deletions.begin()
            versions.beginReports()
        // The file is the loop's business.
        case .configuration: break
        }
    }

    private mutating func faulty(_ name: UserName, _ text: String) {
        isThere(name)
        out.note("fault: \(text)", rule: "user-file", user: name, weight: .warning)
        deletions.faulty(name, text, isUser: users[name] != nil)
        edit(name) { $0.fault = text }
    }

    private mutating func faultless(_ name: UserName) {
        deletions.faultless(name)
        guard users[name]?.fault != nil else { return }
        edit(name) { $0.fault = nil }
        out.note("its files are right again", rule: "user-file", user: name)
    }

    /// pathwatch has named all present users.
    private mutating func complete() {
        guard let present = deletions.complete() else { return }
        if succession.forgetVersions(except: present) { keepVersionsSoon() }
        tellUnreportedVersions()
        // Users that were not named are gone.
        for name in knownNames where !present.contains(name) { deluser(name) }
        judgeFound()
        followCurrent()
    }

    private mutating func setUser(_ settings: UserSettings) {
        guard !isStopping else { return deletions.named(settings.name) }
        let name = settings.name
        deletions.faultless(name)
        isThere(name)
        if users[name] == nil { addUser(settings) } else { changeUser(settings) }
        // A user that is adopted, or added again, may have a process on a database that the others are leaving.
        moveOn(name)
    }

    private mutating func changeUser(_ settings: UserSettings) {
        let name = settings.name
        guard let former = users[name] else { return }
        edit(name) { $0.fault = nil }
        guard former.isDeleted || former.settings != settings else { return }
        var before = aim(of: former)
        let outline = before.outline(for: former)
        let isUnpinned = former.settings.package != nil && follows(settings)
        edit(name) { user in
            user.isDeleted = false
            user.settings = settings
        }
        assignDatabase(name, isNewWish: former.settings.database != settings.database)
        if isUnpinned, let inForce = versionInForce { edit(name) { $0.version = inForce } }
        chooseVersion(name)
        guard let user = users[name] else { return }
        var after = aim(of: user)
        if after.identity != before.identity { edit(name) { $0.keptPlan = nil } }
        let consequence =
            former.isDeleted
            ? Consequence.start : Consequence(from: outline, to: after.outline(for: users[name] ?? user))
        out.note(former.isDeleted ? "added again" : "changed: \(consequence)", rule: "moduser", user: name)
        carryOut(name, consequence)
        joinRollout(name)
    }

    /// Does for a user what a change means.
    mutating func carryOut(_ name: UserName, _ consequence: Consequence) {
        // A user that is down for the moment will be checked when it is not.
        needDispatch(name)
        advance(name) { $0.carryOut(consequence, &$1, &$2) }
    }

    /// Where the user is to be checked there is something to do for dispatch.
    mutating func needDispatch(_ name: UserName) {
        if let user = users[name], checkSettings(user, user.version).isWanted { watchers.need(.dispatch, &out) }
    }

    mutating func addUser(_ settings: UserSettings) {
        let name = settings.name
        var user = User(settings: settings, since: now)
        user.generation = lastForgotten
        user.hold = succession.takeHold(name)
        let left = succession.takeRemains(name)
        if let database = left?.database, databases[database] != nil { user.database = database }
        recallVersion(&user, left)
        add(user)
        databases.move(from: nil, to: user.database)
        assignDatabase(name)
        needDispatch(name)
        if left == nil { out.note("added", rule: "adduser", user: name, weight: admission.crowdWeight) }
        chooseVersion(name)
        if let left { adopt(name, left) }
        keepAsFound(name)
        enrol(name)
        advance(name) { $0.reconcile(&$1, &$2) }
        joinRollout(name)
    }

    mutating func delete(_ name: UserName) {
        guard users[name]?.isDeleted == false else { return }
        out.note("deleted", rule: "deluser", user: name)
        if users[name]?.hold != nil { out.emit(.keepHold(name, nil)) }
        advance(name) { user, aim, out in
            user.isDeleted = true
            user.fault = nil
            user.hold = nil
            user.dismiss(aim, &out)
        }
    }

    // MARK: orders of the operator

    mutating func hold(_ name: UserName, _ reason: String) {
        edit(name) { $0.hold = reason }
        advance(name) { $0.hold(reason, &$1, &$2) }
    }

    mutating func release(_ name: UserName) {
        guard users[name]?.hold != nil else { return }
        edit(name) { $0.hold = nil }
        advance(name) { $0.release(&$1, &$2) }
    }
}
