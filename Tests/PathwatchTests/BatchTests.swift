// Many users at once, by the tools that people use: what is reported is the difference, and nothing beside it.

import Foundation
import Testing

@testable import Shared

@Suite struct BatchTests {
    /// What a users' folder is to hold: the plan of each user.
    private typealias Model = [String: Plan]

    private static func model(_ range: Range<Int>, _ plan: Plan) -> Model {
        Dictionary(uniqueKeysWithValues: range.map { ("user-\($0)", plan) })
    }

    private static func write(_ model: Model, to folder: String, _ fixture: UsersFixture) throws {
        for (name, plan) in model {
            mkdir("\(folder)/\(name)", 0o755)
            try fixture.write("plan: \(plan)\n", to: "\(folder)/\(name)/user.yaml")
        }
    }

    private static func start(_ fixture: UsersFixture) async throws -> PathwatchProcess {
        let process = try PathwatchProcess()
        try process.send(fixture.users)
        try await process.wait("the snapshot") { process.snapshots == 1 }
        return process
    }

    private static func agrees(_ process: PathwatchProcess, _ model: Model) -> Bool {
        process.faults.isEmpty && process.users.count == model.count
            && process.users.allSatisfy { model[$0.key.text] == $0.value.plan }
    }

    /// How many reports lead from the one to the other.
    private static func difference(_ before: Model, _ after: Model) -> Int {
        Set(before.keys).union(after.keys).count { before[$0] != after[$0] }
    }

    /// Does something that leads to `model`, and expects the difference to be reported.
    private static func expect(
        _ what: String, from before: Model, to after: Model, _ process: PathwatchProcess, isExact: Bool = true,
        _ body: () async throws -> Void
    ) async throws {
        let count = process.reports.count
        try await body()
        try await process.wait(what) { agrees(process, after) }
        // Once in a while a slow machine shows a state in between for longer than an answer has to stand.
        if isExact { #expect(process.reports.count - count == difference(before, after), "\(what)") }
    }

    private static func run(_ program: String, _ arguments: [String]) async throws {
        let command = Process()
        command.executableURL = URL(fileURLWithPath: program)
        command.arguments = arguments
        command.standardOutput = FileHandle.nullDevice
        command.standardError = FileHandle.nullDevice
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            command.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try command.run() } catch { continuation.resume(throwing: error) }
        }
        try #require(status == 0, "\(program) \(arguments)")
    }

    private static func isThere(_ program: String) -> Bool {
        if access(program, X_OK) == 0 { return true }
        print("\(program) is not tried: it is not installed")
        return false
    }

    @Test func gitChecksOutAnotherBranch() async throws {
        guard Self.isThere("/usr/bin/git") else { return }
        let fixture = try UsersFixture()
        let first = Self.model(0..<300, .free)
        let second = Self.model(100..<200, .free).merging(Self.model(200..<400, .paid)) { $1 }
        func git(_ arguments: String...) async throws {
            let identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "gc.auto=0"]
            try await Self.run("/usr/bin/git", ["-C", fixture.users] + identity + arguments)
        }
        try await git("init", "-q", "-b", "first")
        try Self.write(first, to: fixture.users, fixture)
        try await git("add", ".")
        try await git("commit", "-q", "-m", "first")
        try await git("checkout", "-q", "-b", "second")
        for name in first.keys where second[name] == nil { try fixture.remove("\(fixture.users)/\(name)") }
        try Self.write(second, to: fixture.users, fixture)
        try await git("add", "-A", ".")
        try await git("commit", "-q", "-m", "second")
        let process = try await Self.start(fixture)
        #expect(Self.agrees(process, second))
        for _ in 0..<3 {
            try await Self.expect("the first branch", from: second, to: first, process, isExact: false) {
                try await git("checkout", "-q", "first")
            }
            try await Self.expect("the second branch", from: first, to: second, process, isExact: false) {
                try await git("checkout", "-q", "second")
            }
        }
    }

    @Test func rsyncCopiesWhatHasChanged() async throws {
        guard Self.isThere("/usr/bin/rsync") else { return }
        let fixture = try UsersFixture()
        let first = Self.model(0..<300, .free)
        let second = Self.model(100..<200, .free).merging(Self.model(200..<400, .paid)) { $1 }
        try Self.write(first, to: fixture.users, fixture)
        let source = fixture.root + "/source"
        let folders = [source + "/", fixture.users + "/"]
        mkdir(source, 0o755)
        try Self.write(second, to: source, fixture)
        let process = try await Self.start(fixture)
        try await Self.expect("the copy", from: first, to: second, process) {
            try await Self.run("/usr/bin/rsync", ["-a", "--checksum", "--delete"] + folders)
        }
        // In place: written over what is there.
        for (name, _) in second { try fixture.write("plan: free\n", to: "\(source)/\(name)/user.yaml") }
        let third = second.mapValues { _ in Plan.free }
        try await Self.expect("the copy in place", from: second, to: third, process, isExact: false) {
            try await Self.run("/usr/bin/rsync", ["-a", "--checksum", "--inplace"] + folders)
        }
    }

    @Test func treesAreMovedInAndOut() async throws {
        let fixture = try UsersFixture()
        let (old, new) = (Self.model(0..<100, .free), Self.model(100..<200, .paid))
        try Self.write(old, to: fixture.users, fixture)
        let away = fixture.root + "/away"
        mkdir(away, 0o755)
        try Self.write(new, to: away, fixture)
        let process = try await Self.start(fixture)
        let both = old.merging(new) { $1 }
        try await Self.expect("the arrivals", from: old, to: both, process) {
            for name in new.keys { try fixture.move("\(away)/\(name)", "\(fixture.users)/\(name)") }
        }
        try await Self.expect("the departures", from: both, to: new, process) {
            for name in old.keys { try fixture.move("\(fixture.users)/\(name)", "\(away)/\(name)") }
        }
        // What was moved out is not watched any more; what was moved in is.
        try await Self.expect("one change", from: new, to: new.merging(["user-100": .free]) { $1 }, process) {
            for name in old.keys { try fixture.write("plan: paid\n", to: "\(away)/\(name)/user.yaml") }
            try fixture.write("plan: free\n", to: fixture.file("user-100"))
        }
    }

    /// The kernel's queue is not read while it runs over.
    @Test func tenThousandAreChangedWhilePathwatchIsStopped() async throws {
        let fixture = try UsersFixture()
        let count = 10_000
        let first = Self.model(0..<count / 2, .free)
        try Self.write(first, to: fixture.users, fixture)
        let process = try await Self.start(fixture)
        let second = Self.model(1000..<count, .paid)
        kill(process.pid, SIGSTOP)
        for name in first.keys where second[name] == nil { try fixture.remove("\(fixture.users)/\(name)") }
        try Self.write(second, to: fixture.users, fixture)
        try await Self.expect("the difference", from: first, to: second, process) { kill(process.pid, SIGCONT) }
    }

    /// What editors and the like leave beside the files that count.
    @Test func otherFilesCauseNoReport() async throws {
        let fixture = try UsersFixture()
        try fixture.add("alice", "plan: paid\n")
        let process = try await Self.start(fixture)
        let count = process.reports.count
        let others = [".user.yaml.swp", "user.yaml~", "#user.yaml#", ".#user.yaml", "4913", "user.yaml.bak", "app.log"]
        for other in others {
            let path = "\(fixture.users)/alice/\(other)"
            try fixture.write("plan: gold\n", to: path)
            try fixture.replace("plan: gold\n", at: path)
            chmod(path, 0o600)
            try fixture.remove(path)
        }
        for other in [".alice.swp", "alice~", "#alice#"] {
            try fixture.write("plan: gold\n", to: "\(fixture.users)/\(other)")
        }
        mkdir(fixture.users + "/.git", 0o755)
        try fixture.write("plan: gold\n", to: fixture.users + "/.git/user.yaml")
        // Whatever they cause would be reported before this.
        try fixture.write("plan: free\n", to: fixture.file("alice"))
        try await process.wait("the change") { process.users[fixture.name("alice")]?.plan == .free }
        #expect(process.reports.count == count + 1)
    }
}
