// The commands about upgrades of the application.

import ArgumentParser
import Glibc
import Shared
import SharedSystem

struct Upgrade: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show an upgrade of the application, or steer it.",
        subcommands: [Show.self, Preview.self, Start.self, Pause.self, Resume.self, Abort.self],
        defaultSubcommand: Show.self)

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "Show its progress (the default).")

        @OptionGroup var place: Place
        @Flag(help: "As JSON.") var json = false

        func run() throws {
            Terminal.print(try Self.text(try Snapshot.of(place.connect()), json: json, now: wallClock()))
        }

        static func text(_ snapshot: Snapshot, json: Bool, now: Int64) throws -> String {
            json
                ? try JSONForm.text(snapshot.upgrade.map { StatusDocument.Upgrade($0, now: now) })
                : snapshot.upgradeLines(now: now).joined(separator: "\n")
        }
    }

    struct Preview: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "plan", abstract: "Show which users an upgrade would change, in which order, and which not.")

        @OptionGroup var place: Place
        @Argument(help: "The version; without it, the current one.") var version: String?
        @Flag(help: "As one JSON object.") var json = false

        func run() throws {
            var forecast = UpgradeForecast()
            let request = UpgradeRequest(.preview, version: version)
            try place.connect().ask(.upgrade(request)) { forecast.take($0) }
            Terminal.print(try Self.text(forecast, json: json))
        }

        static func text(_ forecast: UpgradeForecast, json: Bool) throws -> String {
            json ? try JSONForm.text(ForecastDocument(forecast)) : forecast.lines.joined(separator: "\n")
        }
    }

    struct Start: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring a version to the users that follow, even if it is held.")

        @OptionGroup var place: Place
        @Argument var version: String
        @Flag(help: "Return when it is over; exit 1 where it has failed.") var wait = false

        func run() throws {
            try place.connect().ask(.upgrade(UpgradeRequest(.start, version: version)))
            if wait { try Upgrade.awaitEnd(place, version) }
        }
    }

    struct Pause: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Begin with no further user.")

        @OptionGroup var place: Place

        func run() throws { try place.connect().ask(.upgrade(UpgradeRequest(.pause))) }
    }

    struct Resume: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Go on after a pause.")

        @OptionGroup var place: Place

        func run() throws { try place.connect().ask(.upgrade(UpgradeRequest(.resume))) }
    }

    struct Abort: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop it and bring back the users that it has changed; the version is held.")

        @OptionGroup var place: Place
        @Flag(help: "Return when they are back.") var wait = false

        func run() throws {
            try place.connect().ask(.upgrade(UpgradeRequest(.abort)))
            guard wait else { return }
            while try Snapshot.of(place.connect()).upgrade != nil { usleep(50_000) }
        }
    }

    /// - Throws: `Failure` where the version is not in force afterwards.
    private static func awaitEnd(_ place: Place, _ version: String) throws {
        while true {
            let snapshot = try Snapshot.of(place.connect())
            if snapshot.upgrade == nil {
                guard let why = snapshot.packages.first(where: { $0.version == version })?.held else { return }
                throw Failure("\(version) is held: \(why)", code: 1)
            }
            usleep(50_000)
        }
    }
}
