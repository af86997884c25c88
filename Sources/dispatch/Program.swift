// dispatch: checks the services of the workers from outside, over their own sockets.
//
// It takes a worker that is due from the head of its queue, and checks it. It reports changes of health; master
// decides. Run by hand (without STEWARD_WATCHER in the environment) it checks one socket, and prints its reports as
// lines.

import ArgumentParser
import Glibc
import Shared
import SharedSystem

@main
struct Program: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dispatch",
        abstract: "Checks workers' services over their Unix sockets.",
        discussion: "Master starts it and gives it its orders. By hand it checks one socket and prints each result.",
        version: stewardVersion)

    @Option(name: .customLong("check"), help: "The Unix socket to check.")
    var socket: String?
    @Option(help: "The path of the request.")
    var path = "/healthz"
    @Option(help: "How long an answer may take: a number and ms, s, m or h (default: 2s).", transform: duration)
    var timeout = Duration.seconds(2)
    @Option(help: "The time from check to check (default: 10s).", transform: duration)
    var interval = Duration.seconds(10)
    @Option(help: "End after so many checks; exit code 1 where the last one failed.")
    var count: Int?

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count has to be at least 1") }
        if let socket, socket.isEmpty { throw ValidationError("--check needs the path of a socket") }
        if path.isEmpty { throw ValidationError("--path is empty") }
    }

    func run() throws {
        runWatcher(.dispatch) {
            let station = try Station<ToDispatch, FromDispatch>(.dispatch)
            let dispatcher = try Dispatcher(station)
            guard station.isByHand else {
                _ = try dispatcher.run()
                return
            }
            guard let order else { Self.exit(withError: ValidationError("by hand it needs --check SOCKET")) }
            try dispatcher.follow(.check(order))
            let last = try dispatcher.run(reports: count)
            if last?.outcome != .passed { Glibc.exit(1) }
        }
    }

    private static func duration(_ text: String) throws -> Duration {
        guard let duration = Duration(setting: text), duration > .zero else {
            throw ValidationError("'\(text)' is not a duration such as 500ms or 2s")
        }
        return duration
    }

    private var order: CheckOrder? {
        guard let socket else { return nil }
        var order = CheckOrder()
        order.socket = socket
        order.settings.path = path
        order.settings.timeout = timeout
        order.settings.interval = interval
        return order
    }
}
