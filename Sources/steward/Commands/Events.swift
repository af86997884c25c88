// The command that shows what has happened.

import ArgumentParser
import FoundationEssentials
import Shared
import SharedSystem

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
            Terminal.print(json ? event.line : event.shown)
        }
    }

    /// Wall clock milliseconds; nil for what is no time.
    static func time(_ text: String, now: Int64) -> Int64? {
        if let ago = Duration(setting: text) { return now - ago.nanoseconds / 1_000_000 }
        guard let date = try? Date(text, strategy: .iso8601) else { return nil }
        return Int64(date.timeIntervalSince1970 * 1000)
    }
}
