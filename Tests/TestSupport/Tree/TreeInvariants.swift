// What holds for every tree, whatever a test has done to it.

import Foundation
import Shared

extension Tree {
    /// Each user is ready with exactly one process, or has a stated reason. A process that is just leaving gets the
    /// time for it.
    package func expectEachUserServed() async throws {
        do {
            try await eventually("every user is served by one process, or has a reason", every: .milliseconds(100)) {
                try await complaints().isEmpty
            }
        } catch let error as NotInTime {
            throw TreeError("\(error): \(try await complaints().joined(separator: ", "))")
        }
    }

    private func complaints() async throws -> [String] {
        try await status().users.compactMap { user in
            let sessions = leaders(of: user.name)
            guard user.isReady else {
                return user.reason?.isEmpty ?? true ? "\(user.name) is \(user.state) without a reason" : nil
            }
            let isAlone = sessions.count == 1 && sessions.first?.pid == user.pid
            return isAlone ? nil : "\(user.name) is ready as \(user.pid ?? 0), its processes: \(sessions)"
        }
    }

    /// The processes of a user that lead a session: the one of each worker that Steward started.
    package func leaders(of user: String) -> [ProcessIdentity] {
        ProcessTable.withEnvironment(["STEWARD_RUNTIME": runtime, "STEWARD_USER": user])
            .filter { getsid($0.pid) == $0.pid }
    }

    /// No process of this tree is alive, and no socket of it is there.
    package func expectNothingLeft() throws {
        let alive = Set(processes()).union(seen.filter(\.isAlive)).filter(\.isAlive)
        let sockets = sockets()
        guard alive.isEmpty, sockets.isEmpty else {
            throw TreeError("left behind: \((alive.map(\.description) + sockets).joined(separator: ", "))")
        }
    }

    /// Sockets, and links to them, in the runtime folder.
    package func sockets() -> [String] {
        let names = FileManager.default.enumerator(atPath: runtime)?.compactMap { $0 as? String } ?? []
        return names.filter { name in
            var file = stat()
            guard lstat("\(runtime)/\(name)", &file) == 0 else { return false }
            return file.st_mode & S_IFMT == S_IFSOCK || file.st_mode & S_IFMT == S_IFLNK
        }
    }
}
