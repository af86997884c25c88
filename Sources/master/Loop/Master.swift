// master: the command line, and what has to be right before the loop begins.
//
// Until the loop runs, any failure ends it with one line. From then on no error does.

import ArgumentParser
import CLinux
import Glibc
import Logging
import Policy
import Shared
import SharedSystem

@main
struct Master: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "master", abstract: "Supervises one web process for each user.", version: stewardVersion)

    /// EX_TEMPFAIL of sysexits.h.
    private static let alreadyRunningExitCode: Int32 = 75

    @Option(help: "The configuration file.")
    var config = Shared.Configuration.standardPath

    @Flag(help: "Only validate the configuration.")
    var check = false

    func run() throws {
        // Before any thread starts: a signal that is not blocked everywhere would end the process.
        let signals = try Signals([SIGTERM, SIGINT, SIGCHLD, SIGUSR2, SIGHUP])
        signal(SIGPIPE, SIG_IGN)
        do {
            let configuration = try Shared.Configuration.read(config)
            if check { return }
            try supervise(configuration, signals)
        } catch let error as ConfigurationError {
            Self.end("\(error)", code: badConfigurationExitCode)
        } catch StartError.configuration(let text) {
            Self.end("\(config): \(text)", code: badConfigurationExitCode)
        } catch StartError.alreadyRunning(let text) {
            Self.end(text, code: Self.alreadyRunningExitCode)
        }
    }

    private func supervise(_ configuration: Shared.Configuration, _ signals: Signals) throws {
        let log = Logger.steward("master")
        let groups = try Groups(configuration)
        let program = try OwnProgram()
        let runtime = try Runtime(configuration)
        if geteuid() == 0 && configuration.runAs == nil { log.warning("workers run as root: run_as is not set") }
        try OpenFiles.raiseLimit()
        try SharedSystem.check("prctl") { clinux_become_subreaper() }
        let inherited = Inheritance(runtime, log)
        runtime.clean(keeping: inherited)
        let loop = try Loop(
            runtime, file: FilePath.absolute(config), inherited: inherited, signals: signals, program: program,
            groups: groups)
        log.notice("supervises \(configuration.users), pid \(getpid()), \(inherited.workers.count) workers found")
        let ending = try loop.run()
        loop.workforce.end()
        switch ending {
        case .stopped:
            runtime.endLeftovers(log)
            runtime.leave()
            log.notice("ended")
        case .left:
            log.notice("leaves \(loop.workforce.count) workers to the next master")
        case .replaced:
            log.notice("its program was replaced: goes on as the new one")
            try program.execute()
        }
    }

    private static func end(_ line: String, code: Int32) -> Never {
        StandardError.write(line)
        Glibc.exit(code)
    }
}

/// The configured groups by their numbers: looked up once, because the table of groups may be far away.
struct Groups {
    /// Of the users' sockets.
    let sockets: gid_t?
    let control: gid_t?
    let operators: gid_t?

    init(_ configuration: Shared.Configuration) throws {
        sockets = try Self.number(configuration.socketGroup, "socket.group")
        control = try Self.number(configuration.control.group, "control.group")
        operators = try Self.number(configuration.control.operators, "control.operators")
    }

    private static func number(_ name: String?, _ key: String) throws -> gid_t? {
        guard let name else { return nil }
        guard let entry = getgrnam(name) else { throw StartError.configuration("\(key): no group '\(name)'") }
        return entry.pointee.gr_gid
    }
}
