// What has to be in order on disk before master runs: folders, the lock, the remains of an earlier master.

import Glibc
import Logging
import Shared

/// Why master cannot start.
enum StartError: Error {
    /// Another master runs on the same runtime folder.
    case alreadyRunning(String)
    case configuration(String)
}

/// The runtime folder (it may be lost) and the state folder (durable).
struct Runtime {
    let configuration: Configuration
    /// Held as long as master lives (flock(2)).
    private let lock: Descriptor

    init(_ configuration: Configuration) throws {
        self.configuration = configuration
        let runtime = configuration.runtime
        for folder in [runtime, "\(runtime)/sockets", "\(runtime)/users"] { try Self.makeFolder(folder, 0o755) }
        for folder in [configuration.state, "\(configuration.state)/holds"] { try Self.makeFolder(folder, 0o750) }
        let path = "\(runtime)/lock"
        lock = Descriptor(owning: try check("open", path) { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) })
        guard flock(lock.number, LOCK_EX | LOCK_NB) == 0 else {
            throw StartError.alreadyRunning("another master runs on \(runtime)")
        }
    }

    private static func makeFolder(_ path: String, _ mode: mode_t) throws {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/\(part)"
            guard mkdir(made, mode) < 0, errno != EEXIST, access(made, F_OK) != 0 else { continue }
            throw SystemError("mkdir", made)
        }
    }

    /// Removes the sockets and links that an earlier master has left; nobody else binds there, as the lock is held.
    func clean() {
        for folder in ["sockets", "users"] {
            for name in FolderNames.of("\(configuration.runtime)/\(folder)") {
                unlink("\(configuration.runtime)/\(folder)/\(name)")
            }
        }
        unlink("\(configuration.runtime)/control.sock")
    }

    /// Takes away what must not outlive an ordered end.
    func leave() {
        clean()
        unlink("\(configuration.runtime)/notify")
    }

    /// Ends what workers have left: those of a master that died, as nothing is to be started twice, or at the ordered
    /// end. They are known by their environment.
    func endLeftovers(_ log: Logger) {
        let mark = Array("STEWARD_RUNTIME=\(configuration.runtime)".utf8)
        // Of a worker, and of a launch.
        let origins = ["STEWARD_GENERATION=", "STEWARD_WATCHER="].map { Array($0.utf8) }
        let left = FolderNames.of("/proc").compactMap { Int32($0) }.filter { pid in
            guard pid != getpid(), let environment = try? SmallFile.read("/proc/\(pid)/environ", limit: 1 << 20) else {
                return false
            }
            let variables = environment.split(separator: 0)
            return variables.contains { $0.elementsEqual(mark) }
                && variables.contains { variable in origins.contains { variable.starts(with: $0) } }
        }
        guard !left.isEmpty else { return }
        log.warning("ends \(left.count) processes that are left over")
        for pid in left { kill(pid, SIGKILL) }
        for _ in 0..<200 where left.contains(where: { waitpid($0, nil, WNOHANG) == 0 || kill($0, 0) == 0 }) {
            usleep(10_000)
        }
    }

    // MARK: the operator's holds

    func holds() -> [UserName: String] {
        let folder = "\(configuration.state)/holds"
        let pairs = FolderNames.of(folder).compactMap { file -> (UserName, String)? in
            guard let name = UserName(file), let text = try? SmallFile.read("\(folder)/\(file)", limit: 4096) else {
                return nil
            }
            return (name, String(decoding: text, as: UTF8.self))
        }
        return Dictionary(pairs) { first, _ in first }
    }

    func keepHold(_ name: UserName, _ reason: String?) throws {
        let path = "\(configuration.state)/holds/\(name)"
        guard let reason else {
            unlink(path)
            return
        }
        let draft = "\(path).new"
        let file = Descriptor(
            owning: try check("open", draft) { open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640) })
        var text = reason
        try text.withUTF8 { bytes in
            let written = try check("write", draft) { write(file.number, bytes.baseAddress, bytes.count) }
            guard written == bytes.count else { throw SystemError("write", draft, code: ENOSPC) }
        }
        try check("rename", path) { rename(draft, path) }
    }
}
