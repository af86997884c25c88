// The command that tells why a user is as it is.

import ArgumentParser
import Shared

struct Why: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell why a user is as it is, its last events and its last output.")

    @OptionGroup var place: Place
    @Argument var user: UserName
    @Flag(help: "As one JSON object.") var json = false

    func run() throws {
        var explanation = Explanation(user)
        try place.connect().ask(.why(user)) { explanation.take($0) }
        explanation.output = readOutput()
        Terminal.print(try Self.text(explanation, json: json))
    }

    static func text(_ explanation: Explanation, json: Bool) throws -> String {
        json ? try JSONForm.text(ExplanationDocument(explanation)) : explanation.lines.joined(separator: "\n")
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
