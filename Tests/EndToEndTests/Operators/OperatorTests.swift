// The steward command against a running tree.

import Foundation
import Shared
import TestSupport
import Testing

@Suite struct OperatorTests {
    @Test func heldUserIsAnsweredByTheStandInUntilReleased() async throws {
        try await Tree.with(users: "alice", "bob") { tree in
            let before = try await tree.waitUntilReady("alice", "bob").pids
            let old = try #require(before["alice"].flatMap { ProcessIdentity($0) })
            let hold = try await tree.steward("hold", "alice", "--reason", "open invoices")
            #expect(hold.status == 0, "\(hold.errors)")
            let held = try await tree.waitUntil("alice is held") { report in
                report.user("alice").map { $0.state == "held" && $0.pid == nil } ?? false
            }
            #expect(held.user("alice")?.reason?.contains("open invoices") == true)
            try await eventually("alice's process is gone") { !old.isAlive }
            guard case .answer(let answer) = await tree.get("alice") else {
                Issue.record("alice has no stand-in")
                return
            }
            #expect(answer.status == 503)
            #expect(answer.headers.contains(name: "Retry-After"))
            #expect(held.pids["bob"] == before["bob"])
            try await tree.expectEachUserServed()

            #expect(try await tree.steward("release", "alice").status == 0)
            try await tree.waitUntilReady("alice")
            try await eventually("alice answers") { await tree.get("alice").status == 200 }
            try await tree.expectEachUserServed()
        }
    }

    /// While the link moves from worker to stand-in and back, every request has an answer.
    @Test func holdAndReleaseBreakNoRequest() async throws {
        try await Tree.with(users: "alice") { tree in
            try await tree.waitUntilReady("alice")
            let load = tree.load("alice")
            try await load.more(20)
            try await tree.steward("hold", "alice")
            try await tree.waitUntil("alice is held") { $0.user("alice")?.state == "held" }
            try await load.more(20)
            try await tree.steward("release", "alice")
            try await tree.waitUntilReady("alice")
            try await load.more(20)
            let result = try await load.stop()
            #expect(Set(result.outcomes.keys) == ["200", "503"], "\(result)")
        }
    }

    @Test func restartedUserHasANewProcessAndLosesNoRequest() async throws {
        try await Tree.with(users: "alice", "bob") { tree in
            let before = try await tree.waitUntilReady("alice", "bob").pids
            let load = tree.load("alice")
            try await load.more(20)
            #expect(try await tree.steward("restart", "alice").status == 0)
            let after = try await tree.waitUntilReplaced("alice", before["alice"])
            try await load.expectNoneFailed(after: 20)
            #expect(after.user("alice")?.restarts == 0)
            #expect(after.pids["bob"] == before["bob"])
            try await tree.expectEachUserServed()
        }
    }

    @Test func statusWhyAndEventsSaySomethingUseful() async throws {
        try await Tree.with(users: "alice", "bob") { tree in
            try await tree.waitUntilReady("alice", "bob")
            let table = try await tree.steward("status")
            #expect(table.status == 0)
            for word in ["alice", "bob", "ready", "keeper", "pathwatch", "dispatch"] {
                #expect(table.output.contains(word), "\(word) is missing:\n\(table.output)")
            }
            let one = try await tree.steward("status", "alice", "--json")
            #expect(try StatusReport.User(json: one.output).name == "alice", "\(one.output)")

            let follower = try tree.follow("events", "--follow", "--json")
            try await tree.steward("restart", "bob")
            try await eventually("the restart is among the events") {
                try follower.output.text().split(separator: "\n").contains { line in
                    guard let event = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                        return false
                    }
                    return event["user"] as? String == "bob" && event["rule"] as? String != nil
                }
            }
            #expect(follower.child.exitStatus == nil)
            follower.child.signal(SIGINT)
            _ = try await follower.child.exit()

            let why = try await tree.steward("why", "bob")
            #expect(why.status == 0)
            #expect(why.output.contains("restart"), "\(why.output)")
            let events = try await tree.steward("events", "--user", "bob")
            #expect(events.status == 0)
            #expect(!events.output.isEmpty && !events.output.contains("alice"), "\(events.output)")
        }
    }

    @Test func refusalsAreOneLineWithTheirCode() async throws {
        try await Tree.with(users: "alice") { tree in
            try await tree.waitUntilReady("alice")
            for command in ["why", "restart", "hold", "release"] {
                let result = try await tree.steward(command, "nobody")
                #expect(result.status == 1, "\(command): \(result.output) \(result.errors)")
                #expect(result.errors.split(separator: "\n").count == 1, "\(command): \(result.errors)")
            }
            #expect(try await tree.steward("frobnicate").status == 2)
            #expect(try await tree.steward("hold").status == 2)
            #expect(try await tree.steward("--version").output == "\(stewardVersion)\n")
        }
    }

    @Test func stopEndsEverything() async throws {
        try await Tree.with(users: "alice", "bob") { tree in
            try await tree.waitUntilReady("alice", "bob")
            #expect(try await tree.steward("stop").status == 0)
            #expect(try await tree.master?.exit() == 0)
            try tree.expectNothingLeft()
            let result = try await tree.steward("status")
            #expect(result.status == 3)
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        }
    }
}
