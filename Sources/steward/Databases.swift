// The commands about databases.

import ArgumentParser
import Glibc
import Shared
import SharedSystem

struct Databases: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the databases, or take one out of use.",
        subcommands: [List.self, Drain.self, Undrain.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the databases (the default).")

        @OptionGroup var place: Place
        @Flag(help: "As a JSON list.") var json = false

        func run() throws {
            let databases = try Self.databases(place)
            Terminal.print(
                json
                    ? try Snapshot.json(databases)
                    : Snapshot.databaseLines(databases, now: wallClock()).joined(separator: "\n"))
        }

        static func databases(_ place: Place) throws -> [DatabaseStatus] {
            var databases: [DatabaseStatus] = []
            try place.connect().ask(.databases) { answer in
                switch answer {
                case .database(let status): databases.append(status)
                case .done, .refused, .master, .watcher, .user, .event, .line, .pendingDeletion, .upgrade, .package:
                    break
                }
            }
            return databases
        }

        /// Waits until nobody is on the way from one database to another.
        static func awaitMoves(_ place: Place) throws {
            while try databases(place).contains(where: { $0.moving > 0 }) { usleep(50_000) }
        }
    }

    struct Drain: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move the users of a database to others of its group, and put no new ones on it.")

        @OptionGroup var place: Place
        @Argument var database: String
        @Flag(help: "Return when they have moved.") var wait = false

        func run() throws {
            try place.connect().ask(.drain(DatabaseRequest(database))) { answer in
                if case .line(let line) = answer { Terminal.print(line.text) }
            }
            if wait { try List.awaitMoves(place) }
        }
    }

    struct Undrain: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Allow users on a drained database again; rebalance brings them there.")

        @OptionGroup var place: Place
        @Argument var database: String

        func run() throws {
            try place.connect().ask(.undrain(DatabaseRequest(database)))
        }
    }
}

struct Rebalance: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Spread the users over the available databases of their groups again.")

    @OptionGroup var place: Place
    @Flag(help: "Return when they have moved.") var wait = false

    func run() throws {
        try place.connect().ask(.rebalance)
        if wait { try Databases.List.awaitMoves(place) }
    }
}

extension DatabaseStatus {
    var state: String { isDrained ? "drained" : "\(report.state)" }
}
