// What the operator reads of a change of the configuration.

import Shared
import Testing

@testable import Policy

@Suite struct ConfigurationReportTests {
    private func names(_ count: Int) -> [UserName] {
        (1...count).compactMap { UserName("user-\($0)") }
    }

    /// So many users of one database, all ready.
    private func crowd(_ count: Int) -> Script {
        var script = Script.withDatabases("a")
        for name in names(count) { _ = script.ready(name) }
        return script
    }

    private func reload(_ script: inout Script, _ change: (inout Configuration) -> Void) {
        var next = script.supervisor.configuration
        change(&next)
        script.send(.configure(next, isConfirmed: false))
    }

    @Test func theDifferenceIsToldWithoutSecrets() {
        var script = Script.withDatabases("a", "b")
        for name in names(25) { _ = script.ready(name) { $0.database = "a" } }
        _ = script.ready(alice) { $0.database = "b" }
        var next = script.supervisor.configuration
        next.worker.command = ["python3", "new.py"]
        next.worker.env = ["TOKEN": "hidden"]
        next.databases[0].conninfo = "host=127.0.0.1 dbname=a password=other"
        next.state = "/elsewhere"
        let change = script.supervisor.change(to: next)
        let conninfo = "host=127.0.0.1 dbname=a"
        #expect(
            change.settings == [
                SettingChange(key: "state", old: "", new: "/elsewhere", isPostponed: true),
                SettingChange(key: "worker.command", old: "python3 app.py", new: "python3 new.py"),
                SettingChange(key: "worker.env.TOKEN", old: nil, new: "(hidden)"),
                SettingChange(key: "databases.a.conninfo", old: conninfo, new: "\(conninfo) (another secret)"),
            ])
        let answers = script.supervisor.previewAnswers(next)
        let outcome = ConfigurationOutcome(.preview, isGradual: true, isToBeConfirmed: true)
        #expect(answers.first == .configuration(outcome))
        #expect(answers.dropFirst().prefix(4) == change.settings.map { .setting($0) }[...])
        let users = (names(25) + [alice]).sorted()
        #expect(answers.dropFirst(5).dropLast() == users.map { .consequence(UserConsequence($0, .swap)) }[...])
        let keys = "worker.command, worker.env.TOKEN, databases.a.conninfo"
        #expect(change.summary == "\(keys); 26 users: swap; too many swaps at once: rolled out like an upgrade")
        let same = script.supervisor.previewAnswers(script.supervisor.configuration)
        #expect(same == [.configuration(ConfigurationOutcome(.unchanged)), .done])
    }

    @Test func theAnswerToAReloadSaysWhatHasBeenDone() {
        var script = crowd(6)
        func stage() -> ConfigurationOutcome.Stage? {
            if case .configuration(let outcome)? = script.supervisor.reloadAnswers.first { outcome.stage } else { nil }
        }
        #expect(stage() == .unchanged)
        reload(&script) { $0.databases[0].conninfo = "host=elsewhere" }
        #expect(stage() == .waiting)
        reload(&script) { $0.worker.stopTimeout = .seconds(1) }
        #expect(stage() == .applied)
        script.send(.configurationFaulty("/etc/steward.yaml:3:5: no"))
        #expect(script.supervisor.reloadAnswers == [.refused(TextLine("/etc/steward.yaml:3:5: no"))])
    }

    /// A message has 64 KiB at most, whatever the file says.
    @Test func aLongSettingFitsItsMessage() throws {
        var script = crowd(1)
        let long = String(repeating: "€", count: 100_000)
        var next = script.supervisor.configuration
        next.worker.command = [long]
        next.worker.env = [long: long]
        for answer in script.supervisor.previewAnswers(next) {
            var bytes: [UInt8] = []
            try Frame.append(to: &bytes) { try answer.write(to: &$0) }
            #expect(bytes.count < 16_384)
        }
        script.send(.configure(next, isConfirmed: true))
        #expect(script.supervisor.reloadAnswers.count == 5)
    }
}

extension Script {
    fileprivate static func withDatabases(_ names: String...) -> Script {
        var script = Script { $0.databases = names.map { DatabaseSettings($0, in: "main") } }
        for name in names { script.database(name, .available) }
        return script
    }
}
