// What the operator sees of a change of the configuration.

import Shared

extension ConfigurationChange {
    /// The answer to `reload` and `preview`: a message for each setting and each user, however many there are.
    package func answers(_ stage: ConfigurationOutcome.Stage) -> [ControlAnswer] {
        let outcome = ConfigurationOutcome(stage, isGradual: isGradual, isToBeConfirmed: isToBeConfirmed)
        let users = consequences.sorted { $0.key < $1.key }.map { UserConsequence($0.key, $0.value) }
        return [.configuration(outcome)] + settings.map { .setting($0) } + users.map { .consequence($0) } + [.done]
    }

    private var inOneLine: ChangeSummary { ChangeSummary(settings, consequences.values, isGradual: isGradual) }

    /// What is done, for the journal.
    var summary: String { inOneLine.text }

    /// What comes later, for the journal; nil for nothing.
    var postponement: String? { inOneLine.postponement }

    /// What waits, for the journal.
    var waiting: String { inOneLine.waiting }
}

extension Supervisor {
    /// The answer to `reload`, after the file has been read.
    package var reloadAnswers: [ControlAnswer] {
        switch reading {
        case .faulty(let why): [.refused(TextLine(why))]
        case .waits(let change): change.answers(.waiting)
        case .applied(let change): change.answers(.applied)
        case .unchanged, nil:
            ConfigurationChange().answers(upgrade.newSettings?.isTried == true ? .underway : .unchanged)
        }
    }

    /// The answer to `preview`.
    package func previewAnswers(_ file: Configuration) -> [ControlAnswer] {
        let change = change(to: file)
        return change.answers(change.settings.isEmpty ? .unchanged : .preview)
    }
}
