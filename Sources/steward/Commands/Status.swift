// The command that shows the state of everything.

import ArgumentParser
import Shared
import SharedSystem

extension UserName: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(argument)
    }
}

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show master, watchers, databases and users.")

    @OptionGroup var place: Place
    @Argument(help: "Only this user.") var user: UserName?
    @Flag(help: "As one JSON object.") var json = false

    func run() throws {
        let snapshot = try Snapshot.of(place.connect())
        Terminal.print(try Self.text(snapshot, user, json: json, now: wallClock()))
    }

    /// - Throws: `Failure` where the user does not exist.
    static func text(_ snapshot: Snapshot, _ user: UserName?, json: Bool, now: Int64) throws -> String {
        guard let user else {
            return json
                ? try JSONForm.text(StatusDocument(snapshot, now: now))
                : snapshot.lines(now: now).joined(separator: "\n")
        }
        let status = try snapshot.user(user)
        return json
            ? try JSONForm.text(StatusDocument.User(status))
            : Snapshot.userLines([status], now: now).joined(separator: "\n")
    }
}
