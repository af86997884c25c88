// A wall clock that jumps by days all the time changes no decision: master and its watchers run on one here.

import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct ClockTests {
    private static let programs = ["keeper", "pathwatch", "dispatch", "dbwatch"]

    /// Nil where there is no compiler; a line says so.
    private func buildClock(in folder: TemporaryFolder) async throws -> String? {
        guard access("/usr/bin/cc", X_OK) == 0 else {
            print("a step of the clock is not tried: there is no C compiler to build the clock")
            return nil
        }
        let library = "\(folder.path)/clock.so"
        let source = Sources.path("Tests/Workers/stepping_clock.c")
        let built = try await CommandResult.of("/usr/bin/cc", ["-shared", "-fPIC", "-O1", "-o", library, source])
        guard built.status == 0 else { throw TreeError(built.errors) }
        return library
    }

    /// A tree whose master and watchers see that clock, and whose workers do not.
    private func withSteppingClock(
        _ edit: (inout Tree.Plan) -> Void, _ body: (Tree) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        guard let clock = try await buildClock(in: folder) else { return }
        let binaries = try Executables.folder()
        try await Tree.with {
            $0.environment["LD_PRELOAD"] = clock
            for program in Self.programs {
                $0.replacements[program] = "#!/bin/sh\nLD_PRELOAD=\(clock) exec \(binaries)/\(program)\n"
            }
            $0.settings["worker.restart"] = "{first: 0s, then: 500ms, factor: 2, cap: 60s, jitter: 0, loop: 50 in 60s}"
            $0.settings["worker.check"] = "{path: /healthz, interval: 200ms, timeout: 400ms, fall: 3}"
            $0.settings["worker.ready_timeout"] = "4s"
            $0.settings["worker.stop_timeout"] = "1s"
            edit(&$0)
        } _: { tree in
            try await body(tree)
            try await expectSteps(tree)
        }
    }

    /// The clock is seen to jump, by the log of master: a quick test may have been through before the first time.
    private func expectSteps(_ tree: Tree) async throws {
        let user = try #require(try await tree.status().users.first?.name)
        try await eventually("the log knows two days", every: .milliseconds(300)) {
            let lines = try String(contentsOfFile: tree.log, encoding: .utf8).split(separator: "\n")
            if Set(lines.map { $0.prefix(10) }).count >= 2 { return true }
            try await tree.steward("restart", user)
            return false
        }
    }

    private func duration(_ body: () async throws -> Void) async throws -> Duration {
        let begin = Instant.now()
        try await body()
        return Instant.now() - begin
    }

    @Test func aCrashingOneBacksOffAsEver() async throws {
        try await withSteppingClock {
            $0.users = ["alice": ""]
        } _: { tree in
            let before = try await tree.waitUntilReady("alice")
            let took = try await duration {
                try tree.addUser("crasher", "env: {EXIT: \"3\"}\n")
                try await tree.waitUntil("four deaths") { $0.user("crasher").map { $0.restarts >= 4 } ?? false }
            }
            // At once, then half a second, one, and two are still to come.
            #expect(took >= .milliseconds(1500), "\(took)")
            try await tree.waitUntil("the fifth", within: .seconds(20)) {
                $0.user("crasher").map { $0.restarts >= 5 } ?? false
            }
            let after = try await tree.status()
            #expect(after.pids["alice"] == before.pids["alice"])
            #expect(after.watchers.allSatisfy { $0.restarts == 0 })
        }
    }

    @Test func deadlinesHold() async throws {
        try await withSteppingClock {
            $0.users = ["alice": "", "bob": ""]
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "bob")
            let took = try await duration {
                try tree.addUser("late", "env: {READY_AFTER: \"1000\"}\n")
                try await tree.waitUntil("it is given up") {
                    $0.user("late")?.reason?.contains("not ready within 4") == true
                }
            }
            #expect(took >= .seconds(4), "\(took)")
            try tree.deleteUser("late")

            // Found by a check that times out, three times.
            let bob = try #require(before.pids["bob"])
            kill(bob, SIGSTOP)
            try await tree.waitUntil("bob is replaced", within: .seconds(30)) { report in
                report.user("bob").map { $0.isReady && $0.pid != bob } ?? false
            }

            // A swap, with an old process that has to be killed for not leaving.
            try tree.modifyUser("alice", "env: {SHOWN: new, STUBBORN: \"1\"}\n")
            try await tree.waitUntilReplaced("alice", before.pids["alice"])
            #expect(try await tree.answer("alice").shown == "new")
            let swapped = try #require(try await tree.status().pids["alice"])
            let left = try await duration {
                try await tree.steward("hold", "alice")
                try await eventually("the stubborn one is killed", within: .seconds(20)) {
                    ProcessIdentity(swapped) == nil
                }
            }
            #expect(left >= .seconds(1), "\(left)")
            try await tree.steward("release", "alice")
            try await tree.waitUntilReady("alice", "bob")
            #expect(try await tree.status().watchers.allSatisfy { $0.restarts == 0 })
            try await tree.expectEachUserServed()
        }
    }

    @Test func theNextMasterAdoptsAsEver() async throws {
        try await withSteppingClock {
            $0.users = ["alice": "", "bob": ""]
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "bob")
            for _ in 1...3 { try await tree.replaceMaster() }
            let after = try await tree.waitUntilReady("alice", "bob")
            #expect(after.pids == before.pids)
            #expect(after.master.adopted == 2)
            // What has happened is told in its order, whatever the clock said.
            let events = try await tree.steward("events", "--json").output.split(separator: "\n")
            let serials = try events.map { try #require(EventRecord(line: $0.utf8)).serial }
            #expect(serials == serials.sorted())
        }
    }

    @Test func databasesAreWatchedAsEver() async throws {
        try await PostgreSQL.with { server in
            try await withSteppingClock {
                $0.users = ["alice": ""]
                $0.useDatabase("main-a", server)
            } _: { tree in
                let before = try await tree.waitUntilReady("alice")
                await server.freeze()
                try await tree.waitUntil("it is unavailable", within: .seconds(30)) {
                    $0.database("main-a")?.state == "unavailable"
                }
                await server.thaw()
                let after = try await tree.waitUntilReady("alice")
                #expect(after.pids == before.pids)
            }
        }
    }
}
