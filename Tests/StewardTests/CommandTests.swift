// The real program, with a master that gives prepared answers: what it asks, prints, and its exit code.

import Shared
import SharedSystem
import TestSupport
import Testing

@testable import steward

/// One run of the command.
struct Run: Sendable, CustomTestStringConvertible {
    let command: String
    let requests: [ControlRequest]
    var output = ""

    var arguments: [String] { command.split(separator: " ").map(String.init) }
    var testDescription: String { command }

    private static let pair = UsersRequest([name("alice"), name("bob")])

    private static let unchanged = "nothing has changed\n"

    static let steering = [
        Run(command: "restart alice bob", requests: [.status, .restart(pair)]),
        Run(command: "hold alice bob", requests: [.hold(pair)]),
        Run(command: "hold alice --reason debt", requests: [.hold(UsersRequest([name("alice")], reason: "debt"))]),
        Run(command: "release alice bob", requests: [.release(pair)]),
        Run(command: "confirm-delete", requests: [.status, .confirmDelete(UsersRequest([]))]),
        Run(command: "confirm-delete alice bob", requests: [.status, .confirmDelete(pair)]),
        Run(command: "databases drain main-a", requests: [.drain(DatabaseRequest("main-a"))]),
        Run(command: "databases undrain main-a", requests: [.undrain(DatabaseRequest("main-a"))]),
        Run(command: "rebalance", requests: [.rebalance]),
        Run(command: "upgrade start 2.0", requests: [.upgrade(UpgradeRequest(.start, version: "2.0"))]),
        Run(command: "upgrade pause", requests: [.upgrade(UpgradeRequest(.pause))]),
        Run(command: "upgrade resume", requests: [.upgrade(UpgradeRequest(.resume))]),
        Run(command: "upgrade abort", requests: [.upgrade(UpgradeRequest(.abort))]),
        Run(command: "stop", requests: [.stop]),
        Run(command: "reload --yes", requests: [.reload(ReloadRequest(isConfirmed: true))], output: unchanged),
        Run(command: "plan /c", requests: [.preview(PreviewRequest(file: "/c"))], output: unchanged),
    ]

    static let looking = [
        "status", "status --json", "status alice", "databases", "databases --json", "upgrade", "upgrade --json",
        "upgrade plan", "why alice", "events", "plan", "reload",
    ].map { Run(command: $0, requests: []) }
}

@Suite struct CommandTests {
    @Test(arguments: Run.steering)
    func aChangeIsAskedForAndSaysNothing(run: Run) async throws {
        let result = try await FakeMaster().run(run.arguments) {
            $0 == .status ? nothing.answers : [.done]
        }
        #expect(result.requests == run.requests)
        #expect(result.status == 0 && result.errors == "", "\(result)")
        #expect(result.output == run.output)
    }

    @Test(arguments: Run.steering + Run.looking)
    func aRefusalIsOneLine(run: Run) async throws {
        let result = try await FakeMaster().run(run.arguments) { request in
            request == .status && run.requests.count > 1 ? nothing.answers : [.refused(TextLine("not now"))]
        }
        #expect(result.status == 1 && result.output == "" && result.errors == "steward: not now\n", "\(result)")
    }

    @Test(arguments: Run.steering + Run.looking)
    func noMasterIsOneLine(run: Run) async throws {
        let master = try FakeMaster(isThere: false)
        let result = try await master.run(run.arguments) { _ in nil }
        let why = "steward: no master listens on \(master.folder.path)/run/control.sock: No such file or directory\n"
        #expect(result.status == 3 && result.output == "" && result.errors == why, "\(result)")
    }

    @Test(arguments: Run.steering + Run.looking)
    func aMasterThatGoesAwayIsOneLine(run: Run) async throws {
        let result = try await FakeMaster().run(run.arguments) { _ in nil }
        let why = "steward: master: the channel was closed by the other side\n"
        #expect(result.status == 3 && result.output == "" && result.errors == why, "\(result)")
    }

    @Test(arguments: [
        "frobnicate", "hold", "restart", "release", "why", "restart No_Name", "status a b", "databases drain",
        "upgrade start", "events --since yesterday", "logs", "logs alice --lines -1", "package check", "status --wat",
    ])
    func wrongUsageIsTwo(command: String) async throws {
        let arguments = command.split(separator: " ").map(String.init)
        let result = try await FakeMaster().run(arguments) { _ in nil }
        #expect(result.status == 2 && result.output == "" && result.requests == [], "\(result)")
        #expect(result.errors.hasPrefix("Error: ") && result.errors.contains("Usage: "), "\(result.errors)")
    }

    @Test func tooManyUsersAtOnceAreOneLine() async throws {
        let names = (1000..<2600).map { "a-user-with-a-name-of-forty-letters-\($0)" }
        let result = try await FakeMaster().run(["release"] + names) { _ in nil }
        let why = "steward: that is too much for one request: frame of 67204 bytes (1 to 65536 are allowed)\n"
        #expect(result.status == 1 && result.output == "" && result.errors == why, "\(result)")
        #expect(result.requests.isEmpty)
    }

    /// A master of another version, or something else altogether.
    @Test func anAnswerThatIsNoneIsOneLine() async throws {
        let result = try await FakeMaster().run(["status"], raw: [0, 0, 0, 1, 255])
        #expect(result.status == 3 && result.output == "", "\(result)")
        #expect(result.errors == "steward: master: unknown message type 255\n")
    }

    @Test func helpAndVersionAreNoFailures() async throws {
        let help = try await FakeMaster().run(["--help"]) { _ in nil }
        #expect(
            help.status == 0 && help.errors == "" && help.output.contains("Exit codes: 0 done, 1 refused or failed"))
        let version = try await FakeMaster().run(["--version"]) { _ in nil }
        #expect(version.status == 0 && version.output == "\(stewardVersion)\n")
    }

    @Test func aBadConfigurationIsOneLine() async throws {
        let arguments = ["--config", "/nonexistent/steward.yaml", "status"]
        let result = try await CommandResult.of("\(try Executables.folder())/steward", arguments)
        #expect(result.status == 1 && result.output == "", "\(result)")
        #expect(result.errors.split(separator: "\n").count == 1 && result.errors.contains("/nonexistent/steward.yaml"))
    }

    // MARK: what is shown

    @Test func whatIsShownIsTheView() async throws {
        func shown(_ command: String) async throws -> String {
            let result = try await FakeMaster().run(command.split(separator: " ").map(String.init)) { request in
                request == .databases ? databases.map { .database($0) } + [.done] : everything.answers
            }
            #expect(result.status == 0 && result.errors == "", "\(command): \(result)")
            return result.output
        }
        // An age depends on the clock: what has none is compared.
        let user = try Status.text(everything, name("alice"), json: true, now: now)
        #expect(try await shown("status alice --json") == user + "\n")
        #expect(try await shown("databases --json") == Databases.List.text(databases, json: true, now: now) + "\n")
        #expect(try await shown("status").contains("deletion held back for "))
        #expect(try await shown("databases").contains("connection refused"))
        #expect(try await shown("upgrade").hasPrefix("upgrade to 1.5.0 rolling for "))
    }

    @Test func anExplanationIsFollowedByTheOutput() async throws {
        let master = try FakeMaster()
        try "hello\n".write(toFile: "\(master.folder.path)/logs/alice.log", atomically: false, encoding: .utf8)
        let user: UserExplanation = with { $0.status = alice }
        let answers = [ControlAnswer.explanation(user)] + events.map { .event($0) } + [.done]
        let result = try await master.run(["why", "alice"]) { $0 == .why(name("alice")) ? answers : nil }
        var why = Explanation(name("alice"))
        why.user = user
        why.events = events
        why.output = OutputTail(Array("hello\n".utf8), path: "\(master.folder.path)/logs/alice.log")
        #expect(result.status == 0 && result.output == why.lines.map { "\($0)\n" }.joined(), "\(result)")
        let json = try await master.run(["why", "alice", "--json"]) { _ in answers }
        #expect(try json.output == Why.text(why, json: true) + "\n")
    }

    /// Exit code 1 and one line why; a script has the whole of it, too.
    @Test func aReloadThatWaitsIsRefused() async throws {
        let answers: [ControlAnswer] = [
            .configuration(ConfigurationOutcome(.waiting, isToBeConfirmed: true)),
            .setting(SettingChange(key: "worker.swap", old: "overlap", new: "stop-first")),
            .consequence(UserConsequence(name("alice"), .move)), .done,
        ]
        let why =
            "steward: the configuration has changed (worker.swap; 1 user: move): waiting for `steward reload --yes`\n"
        let result = try await FakeMaster().run(["reload"]) { _ in answers }
        #expect(result.status == 1 && result.output == "" && result.errors == why, "\(result)")
        let json = try await FakeMaster().run(["reload", "--json"]) { _ in answers }
        #expect(json.status == 1 && json.output.contains("\"state\" : \"waiting\"") && json.errors == why, "\(json)")
    }

    @Test func aDrainTellsWhoStays() async throws {
        let answers: [ControlAnswer] = [.stranded(StrandedUsers(database: "main-a", users: 4)), .done]
        let result = try await FakeMaster().run(["databases", "drain", "main-a"]) { _ in answers }
        let why = "no other member of its group is available: its 4 users stay for the time being\n"
        #expect(result.status == 0 && result.output == why && result.errors == "", "\(result)")
    }

    @Test func eventsAreShownAsTheyCome() async throws {
        let answers = events.map { ControlAnswer.event($0) }
        let result = try await FakeMaster().run([
            "events", "--user", "alice", "--since", "2026-03-01T12:00:00Z",
        ]) { _ in answers + [.done] }
        #expect(result.output == events.map { "\($0.shown)\n" }.joined())
        let request: EventsRequest = with {
            $0.user = name("alice")
            $0.since = now
        }
        #expect(result.requests == [.events(request)])
        let json = try await FakeMaster().run(["events", "--json"]) { _ in answers + [.done] }
        #expect(json.output == events.map { "\($0.line)\n" }.joined())
        // A master that ends while a client follows.
        let followed = try await FakeMaster().run(["events", "--follow"]) {
            $0 == .status ? nil : answers + [.done]
        }
        #expect(followed.status == 0)
    }

    @Test(arguments: ["status", "plan", "upgrade plan"])
    func tenThousandUsersAreShown(command: String) async throws {
        let names = (1...10_000).map { name("user-\($0)") }
        let answers = names.map { name -> ControlAnswer in
            switch command {
            case "status": .user(user(name.text, "ready"))
            case "plan": .consequence(UserConsequence(name, .swap))
            case _: .userPreview(with { $0.name = name })
            }
        }
        let arguments = command.split(separator: " ").map(String.init) + ["--json"]
        let result = try await FakeMaster().run(arguments) { _ in answers + [.done] }
        #expect(result.status == 0)
        #expect(result.output.components(separatedBy: "\"name\" : \"user-").count == 10_001)
    }
}
