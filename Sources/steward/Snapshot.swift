// All of master's status at one moment.

import Shared

struct Snapshot {
    var master = MasterStatus()
    var watchers: [WatcherStatus] = []
    var databases: [DatabaseStatus] = []
    var users: [UserStatus] = []
    var packages: [PackageStatus] = []
    var pendingDeletions: [PendingDeletion] = []
    /// The one on its way.
    var upgrade: UpgradeStatus?
    /// What is wrong with the packages' folder as a whole, or with its link.
    var packageTroubles: [String] = []
    /// Folders that are no users yet.
    var faults: [UserFault] = []

    /// Asks master.
    static func of(_ connection: ControlConnection) throws -> Snapshot {
        var snapshot = Snapshot()
        try connection.ask(.status) { snapshot.take($0) }
        return snapshot
    }

    /// One part of master's answer.
    mutating func take(_ answer: ControlAnswer) {
        switch answer {
        case .master(let status): master = status
        case .watcher(let status): watchers.append(status)
        case .database(let status): databases.append(status)
        case .user(let status): users.append(status)
        case .package(let status): packages.append(status)
        case .pendingDeletion(let deletion): pendingDeletions.append(deletion)
        case .upgrade(let status): upgrade = status
        case .packageTrouble(let trouble): packageTroubles.append(trouble.text)
        case .fault(let fault): faults.append(fault)
        case .done, .refused, .event, .explanation, .stranded, .configuration, .setting, .consequence, .upgradePreview,
            .userPreview:
            break
        }
    }

    /// - Throws: `Failure` where the user does not exist.
    func user(_ name: UserName) throws -> UserStatus {
        guard let user = users.first(where: { $0.name == name }) else { throw Failure("no user \(name)", code: 1) }
        return user
    }
}
