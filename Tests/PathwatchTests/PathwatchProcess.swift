// The built pathwatch over a real socket pair, with the table that a master would make of its reports.

import CLinux
import Foundation
import Testing

@testable import Shared
@testable import SharedSystem

/// Ended and reaped with its last reference.
final class PathwatchProcess {
    let pid: pid_t
    private(set) var users: [UserName: UserSettings] = [:]
    private(set) var faults: [UserName: String] = [:]
    /// Everything that was reported of users, in its order.
    private(set) var reports: [FromPathwatch] = []
    /// How often the configuration was reported.
    private(set) var configurations = 0
    /// What was reported of the versions.
    private(set) var packageReports: [FromPathwatch] = []
    /// What was reported of the folder as a whole.
    private(set) var folders: [FolderReport] = []
    private let channel: Channel<FromPathwatch, ToPathwatch>

    static var executable: String {
        get throws {
            let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            return "\((own as NSString).deletingLastPathComponent)/pathwatch"
        }
    }

    init() throws {
        var ends: [Int32] = [-1, -1]
        try check("socketpair") { clinux_socketpair(&ends) }
        let (own, other) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
        channel = Channel(own)
        let nowhere = Descriptor(owning: try check("open") { open("/dev/null", O_RDWR | O_CLOEXEC) })
        let descriptors = [nowhere.number, nowhere.number, nowhere.number, other.number]
        pid = try Self.spawn(["pathwatch"], ["STEWARD_WATCHER=7"], descriptors)
    }

    deinit {
        Self.end(pid)
    }

    static func spawn(_ arguments: [String], _ environment: [String], _ descriptors: [Int32]) throws -> pid_t {
        let argv = arguments.map { strdup($0) } + [nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let error = clinux_spawn(&pid, try executable, argv, envp, descriptors, Int32(descriptors.count))
        guard error == 0 else { throw SystemError("posix_spawn", code: error) }
        return pid
    }

    static func end(_ pid: pid_t) {
        kill(pid, SIGKILL)
        while waitpid(pid, nil, 0) < 0 && errno == EINTR {}
    }

    func send(
        _ users: String, _ databases: [String] = [], runAs: String? = nil, configuration: String = "",
        packages: String? = nil
    ) throws {
        var settings = PathSettings()
        settings.runAs = runAs
        settings.users = users
        settings.databases = databases
        settings.packages = packages
        settings.configuration = configuration
        try channel.send(.settings(settings))
    }

    var snapshots: Int { reports.count { $0 == .complete } }

    /// Takes in what has been reported, until `condition` holds.
    func wait(_ what: String, _ condition: () -> Bool) async throws {
        let deadline = Instant.now() + .seconds(180)
        while true {
            try takeIn()
            if condition() { return }
            try #require(Instant.now() < deadline, "waited in vain for \(what)")
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Takes in what has been reported so far.
    func takeIn() throws {
        while true {
            let received = try channel.receive()
            if received.isEmpty { return }
            for received in received {
                switch received.packet {
                case .hello(let hello):
                    #expect(hello == Hello(kind: .pathwatch, pid: pid, generation: 7))
                case .body(.folder(let report)):
                    folders.append(report)
                case .body(.begin):
                    break
                case .body(.configuration):
                    configurations += 1
                case .body(.package), .body(.packageFault), .body(.packageGone), .body(.currentPackage):
                    if case .body(let report) = received.packet { packageReports.append(report) }
                case .body(let report):
                    reports.append(report)
                    apply(report)
                case .ping, .pong, .handover, .handedOver, .leave: break
                }
            }
        }
    }

    /// What a report may say depends on what was said before.
    private func apply(_ report: FromPathwatch) {
        switch report {
        case .adduser(let user):
            #expect(users[user.name] == nil, "adduser of a known user")
            users[user.name] = user
        case .moduser(let user):
            #expect(users[user.name] != nil && users[user.name] != user, "moduser without a change")
            users[user.name] = user
        case .deluser(let name):
            #expect(users[name] != nil || faults[name] != nil, "deluser of an unknown user")
            users[name] = nil
            faults[name] = nil
        case .fault(let fault):
            #expect(faults[fault.name] != fault.text, "the same fault twice")
            faults[fault.name] = fault.text
        case .faultless(let name):
            #expect(faults[name] != nil, "faultless without a fault")
            faults[name] = nil
        case .complete, .folder, .begin, .configuration, .package, .packageFault, .packageGone, .currentPackage: break
        }
    }
}
