// steward: the operator's command.

import ArgumentParser
import Glibc
import Shared
import SharedSystem

struct Steward: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "steward",
        abstract: "Shows and steers what master supervises.",
        discussion: """
            Exit codes: 0 done, 1 refused or failed (one line says why), 2 wrong usage, 3 no master to be reached.
            """,
        version: stewardVersion,
        subcommands: [
            Status.self, Why.self, Events.self, Logs.self, Restart.self, Hold.self, Release.self, ConfirmDelete.self,
            Databases.self, Rebalance.self, Package.self, Upgrade.self, PreviewChange.self, Reload.self, Stop.self,
        ])

    @OptionGroup var place: Place
}

/// Where master is found.
struct Place: ParsableArguments {
    @Option(help: "The configuration file of master.")
    var config: String?

    var file: String {
        config ?? Shared.Configuration.standardPath
    }

    /// - Throws: `Failure` with code 1 for a file that does not say.
    func folders() throws -> ConfiguredFolders {
        do {
            return try Shared.Configuration.folders(file)
        } catch {
            throw Failure("\(error)", code: 1)
        }
    }

    /// - Throws: `Failure` with code 3 where no master listens.
    func connect() throws -> ControlConnection {
        try ControlConnection(runtime: try folders().runtime)
    }
}

/// The end of a command that did not do what it was asked: one line, and the exit code.
struct Failure: Error {
    let text: String
    let code: Int32

    init(_ text: String, code: Int32) {
        self.text = text
        self.code = code
    }

    func end() -> Never {
        StandardError.write("steward: \(text)")
        exit(code)
    }
}

@main
enum Entry {
    static func main() {
        signal(SIGPIPE, SIG_DFL)
        do {
            var command = try Steward.parseAsRoot(Self.arguments())
            try command.run()
        } catch let failure as Failure {
            failure.end()
        } catch {
            // Help and version are no failures; whatever else the parser throws is wrong usage.
            guard Steward.exitCode(for: error) != .success else { Steward.exit(withError: error) }
            StandardError.write(Steward.fullMessage(for: error))
            exit(2)
        }
    }

    /// `--config FILE` may stand before the command, like for master: it is passed on behind the command and its parts.
    private static func arguments() -> [String] {
        let given = Array(CommandLine.arguments.dropFirst())
        guard let first = given.first else { return given }
        let length = first == "--config" ? 2 : first.hasPrefix("--config=") ? 1 : 0
        guard length > 0, given.count > length else { return given }
        var command = Array(given.dropFirst(length))
        command.insert(contentsOf: given.prefix(length), at: command.firstIndex(of: "--") ?? command.endIndex)
        return command
    }
}
