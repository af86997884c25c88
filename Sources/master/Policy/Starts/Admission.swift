// Which users may start now: the places among the starting processes, and the users that wait for one.
//
// At most `limit` processes are starting at a time, so that a crowd does not take the processors from workers that
// serve. Users on whose sockets a request waits are first: a queued user's socket is watched for that.

import Shared

struct Admission {
    private static let progressInterval = Duration.seconds(1)

    /// How many processes may be starting at a time.
    private(set) var limit: Int
    private(set) var starting: Set<WorkerID> = []
    private var queue = StartQueue()
    /// Users whose running workers wait for the check that lets them back.
    private(set) var returns = StartQueue()
    /// Sockets of queued users on which a customer is looked for.
    private(set) var watched: [UserName: SocketID] = [:]
    /// Users that have been queued in this step.
    private var justQueued: [UserName] = []
    /// When the next line about a crowd is due.
    private(set) var deadline: Instant?

    init(limit: Int) {
        self.limit = limit
    }

    mutating func install(limit: Int) {
        self.limit = limit
    }

    /// How many users wait for a place.
    var waiting: Int { queue.count }
    /// Whether more wait than can be starting at a time: they are told of by their number.
    var isCrowded: Bool { queue.count > limit }

    var crowdWeight: Happening.Weight { isCrowded ? .crowd : .routine }

    func contains(_ name: UserName) -> Bool { queue.contains(name) }

    // MARK: places

    mutating func occupy(_ id: WorkerID) {
        starting.insert(id)
    }

    mutating func release(_ id: WorkerID) {
        starting.remove(id)
    }

    // MARK: the queues

    /// - Parameter database: on which the user is to be started.
    mutating func ask(_ name: UserName, _ tier: Plan, on database: String?) {
        if !queue.contains(name) { justQueued.append(name) }
        queue.append(name, tier, on: database)
    }

    mutating func withdraw(_ name: UserName, _ out: inout Outbox) {
        queue.remove(name)
        if let socket = watched.removeValue(forKey: name) { out.emit(.unwatch(socket)) }
    }

    mutating func askReturn(_ name: UserName, _ tier: Plan, on database: String?) {
        returns.append(name, tier, on: database)
    }

    mutating func withdrawReturn(_ name: UserName) {
        returns.remove(name)
    }

    /// The next user that gets a place; nil where there is none, or no room on any database.
    func next(hasRoom: (String?) -> Bool) -> UserName? {
        starting.count < limit ? queue.first(where: hasRoom) : nil
    }

    /// The next user that may return to service.
    mutating func nextReturn(hasRoom: (String?) -> Bool) -> UserName? {
        guard let name = returns.first(where: hasRoom) else { return nil }
        returns.remove(name)
        return name
    }

    // MARK: waiting customers

    /// Watches the sockets of users that have been queued in this step and still are.
    ///
    /// - Parameter socket: on which requests wait for this user.
    mutating func watchQueued(_ socket: (UserName) -> SocketID?, _ out: inout Outbox) {
        for name in justQueued where queue.contains(name) {
            guard let socket = socket(name) else { continue }
            watched[name] = socket
            out.emit(.watch(socket))
        }
        justQueued = []
        if isCrowded, deadline == nil { deadline = out.now + Self.progressInterval }
    }

    /// A customer waits on a watched socket.
    mutating func awaited(_ socket: SocketID) {
        if watched[socket.user] == socket { queue.promote(socket.user) }
    }

    // MARK: progress

    /// A line about how far a crowd of starts has come is due, and the next one where it goes on.
    mutating func expire(_ now: Instant) {
        deadline = queue.count > 0 ? now + Self.progressInterval : nil
    }
}
