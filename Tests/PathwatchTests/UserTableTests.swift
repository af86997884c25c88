// The difference between what was reported and what was found, as a script.

import Testing

@testable import Shared
@testable import pathwatch

@Suite struct UserTableTests {
    private let alice = UserName("alice") ?? UserName()
    private var table = UserTable()

    private func settings(_ plan: Plan, _ env: [String: String] = [:]) -> UserSettings {
        var settings = UserSettings()
        settings.name = alice
        settings.plan = plan
        settings.env = env
        return settings
    }

    private func fault(_ text: String) -> FromPathwatch { .fault(UserFault(name: alice, text: text)) }

    @Test mutating func aUserComesChangesAndGoes() {
        #expect(table.found(.absent, of: alice) == [])
        #expect(table.found(.user(settings(.free)), of: alice) == [.adduser(settings(.free))])
        #expect(table.found(.user(settings(.free)), of: alice) == [])
        #expect(table.found(.user(settings(.paid)), of: alice) == [.moduser(settings(.paid))])
        #expect(table.names == [alice])
        #expect(table.found(.absent, of: alice) == [.deluser(alice)])
        #expect(table.found(.absent, of: alice) == [])
        #expect(table.isEmpty)
    }

    @Test mutating func aFaultLeavesTheUserAsItWas() {
        _ = table.found(.user(settings(.free)), of: alice)
        #expect(table.found(.fault("1:1"), of: alice) == [fault("1:1")])
        #expect(table.found(.fault("1:1"), of: alice) == [])
        #expect(table.found(.fault("2:2"), of: alice) == [fault("2:2")])
        #expect(table.found(.user(settings(.free)), of: alice) == [.faultless(alice)])
        _ = table.found(.fault("3:3"), of: alice)
        #expect(table.found(.user(settings(.paid)), of: alice) == [.moduser(settings(.paid)), .faultless(alice)])
        #expect(table.found(.user(settings(.paid)), of: alice) == [])
        _ = table.found(.fault("4:4"), of: alice)
        #expect(table.found(.absent, of: alice) == [.deluser(alice)])
        #expect(table.found(.user(settings(.paid)), of: alice) == [.adduser(settings(.paid))])
    }

    @Test mutating func aNewFaultyUserIsOnlyAFault() {
        #expect(table.found(.fault("1:1"), of: alice) == [fault("1:1")])
        #expect(table.knows(alice))
        #expect(table.found(.user(settings(.free)), of: alice) == [.adduser(settings(.free)), .faultless(alice)])
    }

    @Test mutating func aFaultyUserThatGoesIsReportedAsGone() {
        _ = table.found(.fault("1:1"), of: alice)
        #expect(table.found(.absent, of: alice) == [.deluser(alice)])
    }

    @Test mutating func whatFitsNoMessageIsAFault() {
        let long = String(repeating: "x", count: 30_000)
        let large = settings(.free, ["A": long, "B": long, "C": long])
        #expect(table.found(.user(large), of: alice) == [fault(": the settings are too long")])
        #expect(table.found(.user(settings(.free, ["A": long])), of: alice).count == 2)
    }

    @Test mutating func theOrderOfVariablesIsNoChange() {
        let names = (0..<50).map { "V\($0)" }
        let env = Dictionary(uniqueKeysWithValues: names.map { ($0, "x") })
        let again = Dictionary(uniqueKeysWithValues: names.reversed().map { ($0, "x") })
        _ = table.found(.user(settings(.free, env)), of: alice)
        #expect(table.found(.user(settings(.free, again)), of: alice) == [])
    }
}
