// The commands about the configuration file.

import ArgumentParser
import Shared

struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let master go over to what its configuration file says now.")

    @OptionGroup var place: Place
    @Flag(help: "Even if it moves or stops many users; worker settings that failed are tried again.") var yes = false

    func run() throws {
        try place.connect().ask(.reload(ReloadRequest(isConfirmed: yes)), printLine)
    }
}

struct PlanChange: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what a configuration would change, and for whom; nothing is done.")

    @OptionGroup var place: Place
    @Argument(help: "A configuration file; without it, master's own as it is now.") var file: String?

    func run() throws {
        try place.connect().ask(.plan(PlanRequest(file: file.map { FilePath.absolute($0) })), printLine)
    }
}

private func printLine(_ answer: ControlAnswer) {
    if case .line(let line) = answer { Terminal.print(line.text) }
}
