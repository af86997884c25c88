// `steward plan` and `steward reload`.

import Shared
import Testing

@testable import steward

private func change(_ outcome: ConfigurationOutcome, _ settings: [SettingChange], _ users: [UserConsequence]) -> Change
{
    var change = Change()
    let answers =
        [ControlAnswer.configuration(outcome)] + settings.map { .setting($0) } + users.map { .consequence($0) }
    for answer in answers + [.done] { change.take(answer) }
    return change
}

private let settings = [
    SettingChange(key: "state", old: "/var/lib/steward", new: "/elsewhere", isPostponed: true),
    SettingChange(key: "worker.command", old: "python3 app.py", new: "python3 データ.py \u{1B}[2J"),
    SettingChange(key: "worker.env.TOKEN", old: nil, new: "(hidden)"),
    SettingChange(key: "databases.old.group", old: "null", new: nil),
]

/// Users for every consequence, 25 of one.
private let users =
    (1...25).map { UserConsequence(name("user-\($0)"), .swap) }
    + Consequence.allCases.filter { $0 != .nothing }.map { UserConsequence(name("of-\($0.rawValue)"), $0) }

@Suite struct ChangeTests {
    private func check(_ change: Change, _ file: String) throws {
        expectGolden([try PreviewChange.text(change, json: false)], "plan-\(file)")
        expectGolden(try PreviewChange.text(change, json: true), "plan-\(file).json")
        let reload = try Reload.text(change, json: false) ?? "steward: \(change.refusal ?? "")"
        expectGolden([reload], "reload-\(file)")
        #expect(try Reload.text(change, json: true) == PreviewChange.text(change, json: true))
    }

    @Test func manyAtOnce() throws {
        let outcome = ConfigurationOutcome(.waiting, isGradual: true, isToBeConfirmed: true)
        try check(change(outcome, settings, users), "waiting")
    }

    @Test func aFew() throws {
        try check(change(ConfigurationOutcome(.applied), [settings[1]], [users[0]]), "applied")
    }

    @Test func nobody() throws {
        try check(change(ConfigurationOutcome(.applied), [settings[0]], []), "postponed")
    }

    @Test func nothing() throws {
        try check(change(ConfigurationOutcome(.unchanged), [], []), "unchanged")
        try check(change(ConfigurationOutcome(.underway), [], []), "underway")
    }

    @Test func onlyWhatWaitsIsRefused() {
        for stage in ConfigurationOutcome.Stage.allCases {
            let refusal = change(ConfigurationOutcome(stage), settings, users).refusal
            #expect((refusal != nil) == (stage == .waiting))
        }
    }

    @Test func manySettingsAndUsers() throws {
        let settings = (1...150).map { SettingChange(key: "databases.d\($0).conninfo", old: nil, new: "host=h") }
        let users = (1...10_000).map { UserConsequence(name("user-\($0)"), .move) }
        let lines = change(ConfigurationOutcome(.preview), settings, users).lines
        #expect(lines.count == 102)
        #expect(lines[100] == "and 50 more")
        #expect(lines[101].hasPrefix("move (10000): user-1, user-2, ") && lines[101].hasSuffix(" and 9980 more"))
    }
}

@Suite struct UpgradeForecastTests {
    private func user(_ text: String, _ body: (inout UserPreview) -> Void = { _ in }) -> UserPreview {
        with {
            $0.name = name(text)
            $0.version = "1.4.0"
            body(&$0)
        }
    }

    private func forecast(_ users: [UserPreview]) -> UpgradeForecast {
        var forecast = UpgradeForecast()
        forecast.take(.upgradePreview(UpgradePreview(version: "1.5.0")))
        for user in users { forecast.take(.userPreview(user)) }
        return forecast
    }

    private func check(_ forecast: UpgradeForecast, _ file: String) throws {
        expectGolden([try Upgrade.Preview.text(forecast, json: false)], file)
        expectGolden(try Upgrade.Preview.text(forecast, json: true), "\(file).json")
    }

    @Test func whoIsChangedAndWhoIsNot() throws {
        let canary = user("alice") {
            $0.plan = .paid
            $0.isCanary = true
        }
        let new = user("bob") { $0.version = nil }
        let staying = UserPreview.Stay.allCases.map { stay in user("stays-\(stay)") { $0.stay = stay } }
        let pinned = (1...12).map { number in user("pinned-\(number)") { $0.stay = .pinned } }
        try check(forecast([canary, new] + staying + pinned), "upgrade-plan")
    }

    @Test func nobody() throws {
        try check(forecast([]), "upgrade-plan-nobody")
    }
}
