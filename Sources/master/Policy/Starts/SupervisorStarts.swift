// Who may start now: the places among the starting ones, and who waits for one.

import Shared

extension Supervisor {
    /// Fills the free places among the starting ones, and among those who arrive on a database.
    mutating func admit() {
        admitMoves()
        advanceRollout()
        admitReturns()
        while starting.count < startLimit, let name = startQueue.first(where: hasRoom) {
            dequeueStart(name)
            update(name) { $0.begin(&$1) }
        }
        for name in justQueued where startQueue.contains(name) {
            guard let user = users[name], user.actual == .queued, let face = user.face, face.standIn == nil else {
                continue
            }
            watched[name] = face.socket
            emit(.watch(face.socket))
        }
        justQueued = []
        if isCrowded && !timers.isSet(.progress) { timers.set(.progress, at: now + .seconds(1)) }
    }

    /// Puts a user among those who wait for a place.
    mutating func enqueueStart(_ user: User) {
        if !startQueue.contains(user.name) { justQueued.append(user.name) }
        startQueue.append(user.name, user.settings.plan, on: user.database)
    }

    mutating func dequeueStart(_ name: UserName) {
        startQueue.remove(name)
        unwatch(name)
    }

    private mutating func unwatch(_ name: UserName) {
        if let socket = watched.removeValue(forKey: name) { emit(.unwatch(socket)) }
    }

    /// Whether more wait than can be starting at a time: they are told of by their number.
    var isCrowded: Bool { startQueue.count > startLimit }

    var crowdWeight: Happening.Weight { isCrowded ? .crowd : .routine }

    /// Users whom a ready worker serves; counted afresh.
    package var readyCount: Int {
        users.values.count { user in
            switch user.actual {
            case .ready, .swapping: true
            case .absent, .queued, .starting, .stopping, .waiting: false
            }
        }
    }

    mutating func tellProgress() {
        let text = "\(readyCount) of \(users.count) users ready, \(starting.count) starting, \(startQueue.count) queued"
        note(text, rule: "progress")
        if startQueue.count > 0 { timers.set(.progress, at: now + .seconds(1)) }
    }
}
