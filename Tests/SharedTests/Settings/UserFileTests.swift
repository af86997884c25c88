// A user.yaml: what it may say, and the one line that a bad one costs.

import Testing

@testable import Shared
@testable import SharedSystem

@Suite struct UserFileTests {
    private func read(_ text: String, databases: [String] = ["main-a", "main"]) throws -> UserSettings {
        try UserSettings(text: text, file: "u/user.yaml", databases: databases)
    }

    @Test(arguments: ["", "\n", "# only a comment\n", "---\n", "null", "{}", "plan: null"])
    func nothingIsAValidUser(_ text: String) throws {
        #expect(try read(text) == UserSettings())
    }

    @Test func everyKeyIsRead() throws {
        let user = try read(
            """
            plan: paid
            database: main
            package: 1.2-rc_1
            env: {A: 1, B: "x=y"}
            check: {path: /ok, timeout: 500ms}
            limits: {memory: 512M, files: 64, core: unlimited, nice: 5}
            run_as: alice
            enabled: false
            command: [./serve, --port, 0]
            """)
        var expected = UserSettings()
        expected.plan = .paid
        expected.database = "main"
        expected.package = "1.2-rc_1"
        expected.env = ["A": "1", "B": "x=y"]
        expected.check.path = "/ok"
        expected.check.timeout = .milliseconds(500)
        expected.limits.memory = 512 << 20
        expected.limits.files = 64
        expected.limits.core = LimitSettings.unlimited
        expected.limits.nice = 5
        expected.runAs = "alice"
        expected.enabled = false
        expected.command = ["./serve", "--port", "0"]
        #expect(user == expected)
    }

    @Test(arguments: ["package: follow", "package: null", "package:"]) func whoIsNotPinnedFollows(_ text: String) throws
    {
        #expect(try read(text).package == nil)
    }

    @Test func withoutConfiguredDatabasesAnyNameGoes() throws {
        #expect(try read("database: x", databases: []).database == "x")
    }

    @Test(arguments: [
        ("plan: gold", "u/user.yaml:1:7: plan: found 'gold', expected paid or free"),
        ("plan: free\ndatabase: main-c", "u/user.yaml:2:11: database: found 'main-c', expected one of main-a, main"),
        ("package: current", "u/user.yaml:1:10: package: found 'current', expected follow or a version: 1 to 40 of"),
        ("package: ../1.0", "u/user.yaml:1:10: package: found '../1.0', expected follow or a version"),
        ("package: {a: 1}", "u/user.yaml:1:10: package: found a map, expected follow or a version"),
        ("pakage: follow", "u/user.yaml:1:1: unknown key 'pakage', the nearest known one is 'package'"),
        ("env: {PATH: {}}", "u/user.yaml:1:13: env.PATH: found a map, expected a text"),
        ("enabled: on", "u/user.yaml:1:10: enabled: found 'on', expected true or false"),
        ("check: {interval: 1}", "u/user.yaml:1:19: check.interval: found '1', expected a duration such as"),
        ("limits: {files: many}", "u/user.yaml:1:17: limits.files: found 'many', expected a whole number from 16"),
        ("limits: {memory: 512 MB}", "u/user.yaml:1:18: limits.memory: found '512 MB', expected a size such as"),
        ("limits: {memory: 4K}", "u/user.yaml:1:18: limits.memory: found '4K', expected at least 1M"),
        ("limits: {core: -1}", "u/user.yaml:1:16: limits.core: found '-1', expected a size such as 512M, or unlimited"),
        ("limits: {nice: -5}", "u/user.yaml:1:16: limits.nice: found '-5', expected a whole number from 0 to 19"),
        ("limits: {cpu: 1}", "u/user.yaml:1:10: limits: unknown key 'cpu', the nearest known one is 'core'"),
        ("run_as: root", "u/user.yaml:1:9: run_as: found 'root', expected an account other than root's"),
        ("plan: paid\n plan: free", "u/user.yaml:2:6: not valid YAML: mapping values are not allowed in this context"),
        ("[]", "u/user.yaml:1:1: found a list, expected a map"),
    ])
    func faults(_ text: String, _ expected: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(text) }
        #expect(error?.description.hasPrefix(expected) == true)
    }
}
