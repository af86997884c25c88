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
            Terminal.print(try Self.text(try Self.databases(place), json: json, now: wallClock()))
        }

        static func text(_ databases: [DatabaseStatus], json: Bool, now: Int64) throws -> String {
            json
                ? try JSONForm.text(databases.map(StatusDocument.Database.init))
                : Snapshot.databaseLines(databases, now: now).joined(separator: "\n")
        }

        static func databases(_ place: Place) throws -> [DatabaseStatus] {
            var snapshot = Snapshot()
            try place.connect().ask(.databases) { snapshot.take($0) }
            return snapshot.databases
        }

        /// Waits until no user is on the way from one database to another.
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
                if case .stranded(let users) = answer { Terminal.print(users.shown) }
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
