// dispatch: checks the services of the workers from outside, over their own sockets.

import ArgumentParser
import Glibc
import Shared

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
    @Option(help: "How long an answer may take: a number and ms, s, m or h.")
    var timeout = Span(.seconds(2))
    @Option(help: "The time from check to check.")
    var interval = Span(.seconds(10))
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

    private var order: CheckOrder? {
        guard let socket else { return nil }
        var order = CheckOrder()
        order.socket = socket
        order.settings.path = path
        order.settings.timeout = timeout.duration
        order.settings.interval = interval.duration
        return order
    }
}

/// A duration on the command line.
struct Span: ExpressibleByArgument, CustomStringConvertible {
    let duration: Duration

    init(_ duration: Duration) {
        self.duration = duration
    }

    init?(argument: String) {
        let digits = argument.prefix { $0.isNumber || $0 == "." }
        guard let number = Double(digits), number > 0, number < 1_000_000 else { return nil }
        switch argument.dropFirst(digits.count) {
        case "ms": duration = .seconds(number / 1000)
        case "s": duration = .seconds(number)
        case "m": duration = .seconds(number * 60)
        case "h": duration = .seconds(number * 3600)
        case _: return nil
        }
    }

    var description: String { "\(duration.milliseconds / 1000)s" }
}
