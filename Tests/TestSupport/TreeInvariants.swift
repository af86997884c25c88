// What holds for every tree, whatever a test has done to it.

import Foundation
import Shared

extension Tree {
    /// Each user is ready with exactly one process, or has a stated reason.
    public func expectEachUserServed() async throws {
        for user in try await status().users {
            let sessions = leaders(of: user.name)
            if user.isReady {
                guard let pid = user.pid, sessions.map(\.pid) == [pid] else {
                    throw TreeError("\(user.name) is ready as \(user.pid ?? 0), its processes: \(sessions)")
                }
            } else if user.reason?.isEmpty ?? true {
                throw TreeError("\(user.name) is \(user.state) without a reason")
            }
        }
    }

    /// The processes of a user that lead a session: the one of each worker that Steward started.
    public func leaders(of user: String) -> [ProcessIdentity] {
        ProcessTable.withEnvironment(["STEWARD_RUNTIME": runtime, "STEWARD_USER": user])
            .filter { getsid($0.pid) == $0.pid }
    }

    /// No process of this tree is alive, and no socket of it is there.
    public func expectNothingLeft() throws {
        let alive = Set(processes()).union(seen.filter(\.isAlive)).filter(\.isAlive)
        let sockets = sockets()
        guard alive.isEmpty, sockets.isEmpty else {
            throw TreeError("left behind: \((alive.map(\.description) + sockets).joined(separator: ", "))")
        }
    }

    /// Sockets, and links to them, in the runtime folder.
    public func sockets() -> [String] {
        let names = FileManager.default.enumerator(atPath: runtime)?.compactMap { $0 as? String } ?? []
        return names.filter { name in
            var file = stat()
            guard lstat("\(runtime)/\(name)", &file) == 0 else { return false }
            return file.st_mode & S_IFMT == S_IFSOCK || file.st_mode & S_IFMT == S_IFLNK
        }
    }
}
