// The command that tells why a user is as it is.

import ArgumentParser
import Shared

struct Why: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell why a user is as it is, its last events and its last output.")

    @OptionGroup var place: Place
    @Argument var user: UserName

    func run() throws {
        var explanation = Explanation()
        try place.connect().ask(.why(user)) { explanation.take($0) }
        explanation.output = readOutput()
        Terminal.print(explanation.lines.joined(separator: "\n"))
    }

    /// The command reads the file itself: master never waits for a disk.
    private func readOutput() -> OutputTail? {
        do {
            var log = UserLog(user, in: try place.folders().logs)
            return try log.end(lines: OutputTail.most).flatMap { OutputTail($0, path: log.path) }
        } catch {
            return OutputTail(trouble: (error as? Failure)?.text ?? "\(error)")
        }
    }
}
