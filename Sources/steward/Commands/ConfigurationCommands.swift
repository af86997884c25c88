// The commands about the configuration file.

import ArgumentParser
import Shared

struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let master go over to what its configuration file says now.")

    @OptionGroup var place: Place
    @Flag(help: "Even if it moves or stops many users; worker settings that failed are tried again.") var yes = false
    @Flag(help: "As one JSON object.") var json = false

    func run() throws {
        let change = try Change.answer(to: .reload(ReloadRequest(isConfirmed: yes)), place)
        if let text = try Self.text(change, json: json) { Terminal.print(text) }
        if let refusal = change.refusal { throw Failure(refusal, code: 1) }
    }

    /// Nil where there is nothing but the refusal.
    static func text(_ change: Change, json: Bool) throws -> String? {
        if json { return try JSONForm.text(ChangeDocument(change)) }
        return change.refusal == nil ? change.shortLines.joined(separator: "\n") : nil
    }
}

struct PreviewChange: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what a configuration would change, and for which users; nothing is done.")

    @OptionGroup var place: Place
    @Argument(help: "A configuration file; without it, master's own as it is now.") var file: String?
    @Flag(help: "As one JSON object.") var json = false

    func run() throws {
        let request = PreviewRequest(file: file.map { FilePath.absolute($0) })
        Terminal.print(try Self.text(try Change.answer(to: .preview(request), place), json: json))
    }

    static func text(_ change: Change, json: Bool) throws -> String {
        json ? try JSONForm.text(ChangeDocument(change)) : change.lines.joined(separator: "\n")
    }
}

extension Change {
    fileprivate static func answer(to request: ControlRequest, _ place: Place) throws -> Change {
        var change = Change()
        try place.connect().ask(request) { change.take($0) }
        return change
    }
}
