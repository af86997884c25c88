// keeper: answers for users without a worker, and writes the workers' output.
//
// It holds a copy of each listening socket, so that no request is lost between two owners. Run by hand (without
// STEWARD_WATCHER in the environment) it answers on one socket, to look at the pages, and prints its reports as lines.

import ArgumentParser
import Glibc
import Shared
import SharedSystem

@main
struct Program: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keeper",
        abstract: "Answers on the sockets of users that no worker serves.",
        discussion: "Master starts it and gives it its orders. By hand it answers on one socket, to look at the pages.",
        version: stewardVersion)

    @Option(name: .customLong("answer"), help: "The path of a Unix socket to make and to answer on; it must be free.")
    var socket: String?
    @Option(help: "What visitors are told: \(StandInReason.allCases.map(\.word).joined(separator: ", ")).")
    var reason = StandInReason.starting.word

    func run() throws {
        runWatcher(.keeper) {
            try OpenFiles.raiseLimit()
            let station = try Station<ToKeeper, FromKeeper>(.keeper)
            guard station.isByHand else {
                return try Keeper(station, runtime: getenv("STEWARD_RUNTIME").map { String(cString: $0) }).run()
            }
            guard let socket else { Self.exit(withError: ValidationError("by hand it needs --answer SOCKET")) }
            guard let told = StandInReason.allCases.first(where: { $0.word == reason }) else {
                Self.exit(withError: ValidationError("there is no reason '\(reason)'"))
            }
            try answer(station, on: socket, told)
        }
    }

    private func answer(_ station: Station<ToKeeper, FromKeeper>, on path: String, _ reason: StandInReason) throws {
        let keeper = try Keeper(station, signals: Signals([SIGINT, SIGTERM]))
        let listener = try UnixSocket.listen(at: path, mode: 0o600)
        defer { unlink(path) }
        keeper.follow(.keep(SocketID()), listener, .now())
        keeper.follow(.answer(StandIn(SocketID(), reason)), nil, .now())
        try keeper.run()
    }
}
