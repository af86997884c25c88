// The command that shows what a user's workers wrote.

import ArgumentParser
import Glibc
import Shared
import SharedSystem

struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the end of what a user's workers wrote.",
        discussion: "Standard output and error are one stream. It is read from the logs folder: no master is needed.")

    private static let interval: Int32 = 100

    @OptionGroup var place: Place
    @Argument var user: UserName
    @Flag(help: "Go on with new output.") var follow = false
    @Option(help: "How many of the last lines.") var lines = 50

    func validate() throws {
        guard (0...1_000_000).contains(lines) else { throw ValidationError("--lines takes 0 to 1000000") }
    }

    func run() throws {
        let folders = try place.folders()
        var log = UserLog(user, in: folders.logs)
        var text = VisibleText()
        if let end = try log.end(lines: lines) {
            try Terminal.write(end, through: &text)
        } else {
            guard folders.has(user) else { throw Failure("no user \(user)", code: 1) }
            note("\(user) has written nothing yet")
        }
        while follow {
            let more = try log.more()
            if !more.isEmpty {
                try Terminal.write(more, through: &text)
            } else if !Terminal.isHeard(for: Self.interval) {
                return
            }
        }
    }

    private func note(_ what: String) {
        StandardError.write("steward: \(what)")
    }
}

extension ConfiguredFolders {
    /// Whether the user exists, by the file that makes one.
    func has(_ user: UserName) -> Bool {
        users.map { access("\($0)/\(user)/user.yaml", F_OK) == 0 } ?? false
    }
}
