// The service manager that has started master: systemd, or whatever else sets NOTIFY_SOCKET (sd_notify(3)).
//
// Master says READY=1 when its loop begins, WATCHDOG=1 at half of the time that the unit allows, and STATUS= when the
// numbers change, at most once a second. A SIGHUP is answered by RELOADING=1, and by READY=1 when the file has been
// read. `systemctl reload` runs `steward reload`, which can also fail, and say why. All of it is said between two
// turns of the loop. So a loop that stands still falls silent, and systemd ends it. A message that does not arrive is
// sent again after 200 ms. Master never waits for systemd. No child inherits systemd's variables: their environments
// are built anew.
//
// The unit is written for workers that outlive master. KillMode=process and RuntimeDirectoryPreserve=restart leave
// them and their sockets; PrivateTmp and RemoveIPC are left out, because they take away what the workers still use. A
// failed start is tried again for ever: five seconds after an exit by itself (a bad configuration may be mended at any
// time, and at night there is no operator), 20 ms after a crash. Exit codes other than 0 only occur before the loop
// begins.

import Glibc
import Policy
import Shared
import SharedSystem

/// Where a service manager wants to hear, and how often.
struct ServiceEnvironment: Equatable {
    /// A path, or `@` and an abstract name.
    var address: String
    /// The longest silence that it allows.
    var watchdog: Duration?

    /// Nil where the variables name no manager that could be told.
    ///
    /// - Parameter pid: of this process: WATCHDOG_PID says whether the watchdog is about it (sd_watchdog_enabled(3)).
    init?(_ variables: [String: String], pid: Int32) {
        guard let address = variables["NOTIFY_SOCKET"], address.utf8.count > 1, "/@".contains(address.prefix(1)) else {
            return nil
        }
        self.address = address
        guard variables["WATCHDOG_PID"].map({ $0 == String(pid) }) ?? true else { return }
        let limit = variables["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        if limit > 0 { watchdog = .microseconds(limit) }
    }
}

final class ServiceManager {
    private let address: String
    /// Held from the start: without a free descriptor the heartbeat has to go on.
    private let socket: Descriptor
    private var notices: ServiceNotices
    /// Number of the journal's last event when the status was last looked at.
    private var seen: UInt64 = 0

    private init(_ environment: ServiceEnvironment) throws {
        address = environment.address
        socket = try UnixSocket.sender()
        notices = ServiceNotices(watchdog: environment.watchdog, now: .now())
    }

    /// The manager that master's environment names, where it names one.
    static func fromEnvironment() throws -> ServiceManager? {
        let names = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]
        let set = names.compactMap { name in getenv(name).map { (name, String(cString: $0)) } }
        return try ServiceEnvironment(Dictionary(uniqueKeysWithValues: set), pid: getpid()).map(ServiceManager.init)
    }

    /// Master supervises from now on.
    func isReady() {
        notices.isReady()
    }

    /// A reload was asked for, and is over before this turn of the loop is told.
    func reloads() {
        notices.reloads(.now())
    }

    /// When `tell` has something to say by itself.
    var deadline: Instant? { notices.deadline }

    /// Says what is due. For the end of each turn of the loop, and for no other place: the heartbeat vouches for the
    /// whole of it.
    func tell(_ supervisor: Supervisor, journal serial: UInt64) {
        if supervisor.isStopping { notices.stops() }
        if serial != seen { notices.mayHaveChanged() }
        seen = serial
        let now = Instant.now()
        let lines = notices.due(now) { "\(supervisor.users.count) users, \(supervisor.readyCount) ready" }
        guard !lines.isEmpty else { return }
        do {
            try UnixSocket.send(lines.joined(separator: "\n"), from: socket, to: address)
            notices.taken(lines, now)
        } catch {
            notices.refused(now)
        }
    }
}
