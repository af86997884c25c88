// What the loop asks the Supervisor between two steps: answers about its parts, which no other code sees.

import Shared

extension Supervisor {
    /// Users that a ready worker serves; counted afresh.
    package var readyCount: Int { users.values.count(where: \.isReady) }
    /// Processes of an earlier master that were taken over.
    package var adopted: Int { succession.adopted }
    /// What dispatch has to check now.
    package var checkOrders: [CheckOrder] { users.values.flatMap { $0.checkOrders(aim(of: $0)) } }
    /// What is wrong with the files of folders that are no users yet.
    package var faults: [UserName: String] { deletions.faults }
    /// The last usable version that packages/current has named.
    package var currentVersion: String? { versions.current }

    /// The sockets on which the keeper answers; also for users that are not reported yet.
    package var standIns: [StandIn] {
        (users.values.map(\.face) + succession.remains.values.map(\.face)).compactMap { face in
            face.flatMap { face in face.standIn.map { StandIn(face.socket, $0) } }
        }
    }

    /// Why these deletions cannot be confirmed; nil where they can.
    package func objection(toConfirming names: [UserName]) -> String? { deletions.objection(toConfirming: names) }

    package var databaseNames: [String] { databases.names }
    package func isDrained(_ database: String) -> Bool { databases[database]?.isDrained == true }
    /// Users of a database; 0 where another database of its group could take them.
    package func stranded(on database: String) -> Int {
        databases.hasAlternative(database) ? 0 : databases[database]?.users ?? 0
    }
}
