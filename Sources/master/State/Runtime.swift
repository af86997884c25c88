// What has to be in order on disk before master runs: folders, the lock, the remains of an earlier master.

import Glibc
import Logging
import Policy
import Shared
import SharedSystem

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

    // MARK: between two masters

    /// What an earlier master has written down about its users, and whether that is all of it.
    func records(_ log: Logger) -> (records: [UserRecord], isWhole: Bool) {
        let path = "\(configuration.runtime)/state"
        guard access(path, F_OK) == 0 else { return ([], false) }
        do {
            let content = try SmallFile.read(path, limit: 1 << 28)
            let (records, damaged) = try StateTable.records(content, boot: Self.boot)
            if damaged > 0 { log.warning("\(path): \(damaged) records are damaged and left out") }
            return (records, damaged == 0)
        } catch StateTable.Damage.earlierBoot {
            return ([], true)
        } catch {
            rename(path, "\(path).damaged")
            log.warning("\(path): \(error); it is set aside as state.damaged, workers are found by their environment")
            return ([], false)
        }
    }

    /// The accounts that workers run as where their users do not name another.
    var workerAccounts: Set<uid_t> {
        let runAs = configuration.runAs.flatMap { getpwnam($0)?.pointee.pw_uid }
        return Set([geteuid(), runAs].compactMap { $0 })
    }

    func stateFile(_ records: [UserRecord]) throws -> StateFile {
        try StateFile("\(configuration.runtime)/state", boot: Self.boot, records: records)
    }

    /// Identifies this boot: pids and times of an earlier one mean nothing.
    private static var boot: String {
        let content = (try? SmallFile.read("/proc/sys/kernel/random/boot_id", limit: 64)) ?? []
        return String(decoding: content.filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// Removes the sockets and links that are not used any more; the lock keeps other processes from binding there.
    func clean(keeping inheritance: Inheritance?) {
        let runtime = configuration.runtime
        let sockets = Set((inheritance?.inUse ?? []).map { "\($0)" })
        for name in FolderNames.of("\(runtime)/sockets") where !sockets.contains(name) {
            unlink("\(runtime)/sockets/\(name)")
        }
        for name in FolderNames.of("\(runtime)/users") {
            let user = name.hasSuffix(".sock") ? UserName(name.dropLast(5)) : nil
            if user.flatMap({ inheritance?.remains[$0] }) == nil { unlink("\(runtime)/users/\(name)") }
        }
        unlink("\(runtime)/control.sock")
    }

    /// Takes away what must not outlive an ordered end.
    func leave() {
        clean(keeping: nil)
        for name in ["notify", "keeper.sock", "state"] { unlink("\(configuration.runtime)/\(name)") }
    }

    /// Ends what workers have left at the ordered end: they are known by their environment.
    func endLeftovers(_ log: Logger) {
        // Of workers, and of launch.
        let left = ProcessFiles.all().filter { pid in
            guard pid != getpid(), let environment = ProcessFiles.environment(of: pid) else { return false }
            return environment.runtime == configuration.runtime
        }
        guard !left.isEmpty else { return }
        log.warning("ends \(left.count) processes that are left over")
        for pid in left { kill(pid, SIGKILL) }
        for _ in 0..<200 where left.contains(where: { waitpid($0, nil, WNOHANG) == 0 || kill($0, 0) == 0 }) {
            usleep(10_000)
        }
    }
}
