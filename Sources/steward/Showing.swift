// The commands that only look.

import ArgumentParser
import FoundationEssentials
import Glibc
import Shared
import SharedSystem

extension UserName: ExpressibleByArgument {
    package init?(argument: String) {
        self.init(argument)
    }
}

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show master, watchers, databases and users.")

    @OptionGroup var place: Place
    @Argument(help: "Only this user.") var user: UserName?
    @Flag(help: "As one JSON object.") var json = false

    func run() throws {
        let snapshot = try Snapshot(place.connect())
        guard let user else {
            Terminal.print(json ? try snapshot.json() : snapshot.lines(now: wallClock()).joined(separator: "\n"))
            return
        }
        let status = try snapshot.user(user)
        Terminal.print(
            json
                ? try snapshot.json(status)
                : snapshot.userLines([status], now: wallClock()).joined(separator: "\n"))
    }
}

struct Why: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell why a user is as it is, its last events and its last output.")

    private static let outputLines = 20
    /// Of the output, in bytes.
    private static let longestLine = 500

    @OptionGroup var place: Place
    @Argument var user: UserName

    func run() throws {
        var sawEvent = false
        try place.connect().ask(.why(user)) { answer in
            switch answer {
            case .line(let line):
                Terminal.print(line.text)
            case .event(let event):
                if !sawEvent { Terminal.print("last events:") }
                sawEvent = true
                Terminal.print("  \(Events.line(event))")
            case .done, .refused, .master, .watcher, .database, .user, .pendingDeletion, .upgrade, .package:
                break
            }
        }
        showOutput()
    }

    /// The command reads the file itself: master never waits for a disk.
    private func showOutput() {
        do {
            var log = UserLog(user, in: try place.folders().logs)
            guard var end = try log.end(lines: Self.outputLines), !end.isEmpty else { return }
            if end.last == UInt8(ascii: "\n") { end.removeLast() }
            Terminal.print("last output, in \(log.path):")
            for line in end.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
                let text = String(decoding: line.prefix(Self.longestLine), as: UTF8.self)
                Terminal.print("  \(text)\(line.count > Self.longestLine ? " …" : "")")
            }
        } catch {
            Terminal.print("last output: \((error as? Failure)?.text ?? "\(error)")")
        }
    }
}

struct Events: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show what has happened, with the rule behind it.")

    @OptionGroup var place: Place
    @Flag(help: "Go on with each new event.") var follow = false
    @Flag(help: "One JSON object a line.") var json = false
    @Option(help: "Only this user's.") var user: UserName?
    @Option(help: "Only since then: a time as RFC 3339, or a duration ago such as 10m.") var since: String?

    func validate() throws {
        if let since, Self.time(since, now: 0) == nil {
            throw ValidationError("'\(since)' is neither a time as RFC 3339 nor a duration such as 10m")
        }
    }

    func run() throws {
        var request = EventsRequest()
        request.user = user
        request.follow = follow
        request.since = since.flatMap { Self.time($0, now: wallClock()) } ?? 0
        try place.connect().ask(.events(request)) { answer in
            guard case .event(let event) = answer else { return }
            Terminal.print(json ? event.line : Self.line(event))
        }
    }

    static func line(_ event: EventRecord) -> String {
        let about = event.user?.text ?? event.subject
        return "\(rfc3339(event.at)) \(about.map { "\($0): " } ?? "")\(event.text) [\(event.rule)]"
    }

    /// Wall clock milliseconds.
    private static func time(_ text: String, now: Int64) -> Int64? {
        if let ago = Duration(setting: text) { return now - ago.nanoseconds / 1_000_000 }
        guard let date = try? Date(text, strategy: .iso8601) else { return nil }
        return Int64(date.timeIntervalSince1970 * 1000)
    }
}
