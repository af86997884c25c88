// A package.yaml and the names of versions: what they may say, and the one line that a bad one costs.

import Testing

@testable import Shared
@testable import SharedSystem

@Suite struct PackageFileTests {
    private func read(_ text: String) throws -> PackageManifest {
        try PackageManifest(text: text, file: "p/1.0/package.yaml", version: "1.0", steward: "0.9.2")
    }

    @Test func onlyTheVersionHasToBeThere() throws {
        let manifest = try read("version: 1.0")
        #expect(manifest.version == "1.0")
        #expect(manifest.command == nil)
        #expect(manifest.check == CheckOverrides())
        #expect(manifest.requires == nil)
    }

    @Test func everyKeyIsRead() throws {
        let manifest = try read(
            """
            version: "1.0"
            command: [python3, "{package}/app.py"]
            check: {path: /ok, fall: 2}
            requires: 0.9
            """)
        #expect(manifest.command == ["python3", "{package}/app.py"])
        #expect(manifest.check.path == "/ok")
        #expect(manifest.check.fall == 2)
        #expect(manifest.requires == "0.9")
        #expect(try read("version: 1.0\ncheck: /alive").check.path == "/alive")
        #expect(try read("version: 1.0\ncheck: ''").check.path?.isEmpty == true)
    }

    @Test(arguments: [
        ("", "p/1.0/package.yaml:1:1: the key 'version' is missing"),
        ("command: [a]", "p/1.0/package.yaml:1:1: the key 'version' is missing"),
        ("version: 1.1", "p/1.0/package.yaml:1:10: version: found '1.1', expected '1.0', as its folder is called"),
        ("version: a/b", "p/1.0/package.yaml:1:10: version: found 'a/b', expected a version: 1 to 40 of A-Z"),
        ("version: 1.0\ncommand: python3", "p/1.0/package.yaml:2:10: command: found a text, expected a list of"),
        ("version: 1.0\ncheck: ok", "p/1.0/package.yaml:2:8: check: found 'ok', expected a path that begins"),
        ("version: 1.0\ncheck: {fall: 0}", "p/1.0/package.yaml:2:15: check.fall: found '0', expected a whole"),
        ("version: 1.0\ncheck: [a]", "p/1.0/package.yaml:2:8: check: found a list, expected a map"),
        ("version: 1.0\nrequires: new", "p/1.0/package.yaml:2:11: requires: found 'new', expected a version of"),
        ("version: 1.0\nrequires: 0.9.3", "p/1.0/package.yaml:2:11: requires: needs Steward 0.9.3, and this is 0.9.2"),
        ("version: 1.0\nrequires: 1", "p/1.0/package.yaml:2:11: requires: needs Steward 1, and this is 0.9.2"),
        ("version: 1.0\nrequires: 1.", "p/1.0/package.yaml:2:11: requires: found '1.', expected a version of Steward"),
        ("version: 1.0\ncomand: [a]", "p/1.0/package.yaml:2:1: unknown key 'comand', the nearest known one is"),
    ])
    func faults(_ text: String, _ expected: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(text) }
        #expect(error?.description.hasPrefix(expected) == true)
    }

    @Test(arguments: ["0.9.2", "0.9", "0", "0.8.99", "0.9.1"]) func whatThisStewardCanRun(_ needed: String) throws {
        #expect(try read("version: 1.0\nrequires: \(needed)").requires == needed)
    }

    @Test(arguments: [
        ("1.0", true), ("v2_final-3", true), ("0", true), ("a.b", true), (String(repeating: "a", count: 40), true),
        ("", false), (".1", false), ("-1", false), ("current", false), ("a/b", false), ("a b", false), ("ä", false),
        (String(repeating: "a", count: 41), false),
    ])
    func names(_ text: String, _ isValid: Bool) {
        #expect(PackageVersion.isValid(text) == isValid)
    }
}
