// Users come under this master with what an earlier one has left of them; and what the next one is to find.

import Shared

extension Supervisor {
    /// Takes over what is left of a user.
    mutating func adopt(_ name: UserName, _ left: Remains) {
        step(name) { $0.adopt(left, &$1, &$2) }
        succession.count(adopted: users[name]?.actual.processes.count ?? 0)
    }

    /// Ends what is left of a user that is gone.
    mutating func endRemains(of name: UserName) {
        if succession.takeVersion(name) != nil { keepVersionsSoon() }
        guard let left = succession.takeRemains(name) else { return }
        var settings = UserSettings()
        settings.name = name
        var user = User(settings: settings, since: now)
        user.isDeleted = true
        if let database = left.database, databases[database] != nil { user.database = database }
        databases.move(from: nil, to: user.database)
        out.note("deleted while no master ran", rule: "deluser", user: name)
        add(user)
        var adopted = 0
        step(name) { user, aim, out -> Answer? in
            // No process is started for it again, whatever has died.
            _ = user.adopt(left, &aim, &out)
            adopted = user.actual.processes.count
            if user.face == nil { out.emit(.unlink(name)) }
            user.dismiss(aim, &out)
            return nil
        }
        succession.count(adopted: adopted)
    }

    /// Without its settings a user cannot be started: where its deletion is held back and its worker is dead, the keeper
    /// answers.
    mutating func answerForDead(_ name: UserName) {
        guard deletions.held[name] != nil, let socket = succession.answerForDead(name) else { return }
        out.emit(.answer(socket, .restarting))
    }

    // MARK: versions

    /// What is known of the users' versions.
    var keptVersions: [UserName: KeptVersion] {
        let present = users.compactMapValues { user in
            user.version.map { KeptVersion(version: $0, former: user.formerVersion) }
        }
        return succession.versions.merging(present) { _, own in own }
    }

    mutating func keepVersions() {
        succession.versionsKept()
        out.emit(.keepVersions(keptVersions))
    }

    mutating func keepVersionsSoon() {
        if !isStopping { succession.keepVersionsSoon(now) }
    }

    /// The version that an earlier master has chosen: by the runtime folder, the state folder or the process itself.
    mutating func recallVersion(_ user: inout User, _ left: Remains?) {
        let kept = succession.takeVersion(user.name)
        if let version = left?.record.version {
            (user.version, user.formerVersion) = (version, left?.record.formerVersion)
        } else if let kept {
            (user.version, user.formerVersion) = (kept.version, kept.former)
        } else {
            user.version = left?.record.processes.last?.version
        }
        if user.version != kept?.version || user.formerVersion != kept?.former { keepVersionsSoon() }
    }
}
