// Workers that die, hang, or do not keep their word.

import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct WorkerFailureTests {
    @Test func killedWorkersLoseNoGET() async throws {
        try await Tree.with {
            $0.users = ["alice": "", "bob": ""]
            $0.settings["worker.restart"] = "{first: 0s, then: 50ms}"
            $0.nginx = true
        } _: { tree in
            var pid = try #require(try await tree.waitUntilReady("alice", "bob").pids["alice"])
            let untouched = try await tree.status().pids["bob"]
            let load = tree.load("alice")
            for death in 1...3 {
                try await load.more(50)
                kill(pid, SIGKILL)
                let user = try #require(
                    try await tree.waitUntil("alice is ready after death \(death)") { report in
                        report.user("alice").map { $0.isReady && $0.restarts == death } ?? false
                    }.user("alice"))
                #expect(user.pid != nil && user.pid != pid)
                #expect(user.lastExit?.contains("9") == true || user.lastExit?.contains("KILL") == true)
                pid = try #require(user.pid)
            }
            let result = try await load.expectNoneFailed(after: 50)
            #expect(result.pids.count == 4, "\(result)")
            #expect(try await tree.status().pids["bob"] == untouched)
            try await tree.expectEachUserServed()
        }
    }

    @Test func stoppedWorkerIsFoundByItsChecksAndReplaced() async throws {
        try await Tree.with {
            $0.users = ["alice": "", "bob": ""]
            $0.settings["worker.check"] = "{path: /healthz, interval: 200ms, timeout: 400ms, fall: 3}"
            $0.settings["worker.stop_timeout"] = "1s"
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "bob").pids
            let old = try #require(before["alice"].flatMap { ProcessIdentity($0) })
            kill(old.pid, SIGSTOP)
            let after = try await tree.waitUntilReplaced("alice", old.pid)
            #expect(after.pids["bob"] == before["bob"])
            #expect(try await tree.answer("alice").pid == after.pids["alice"])
            try await eventually("the stopped process is gone") { !old.isAlive }
            let why = try await tree.steward("why", "alice")
            #expect(why.output.contains("check"), "\(why.output)")
            try await tree.expectEachUserServed()
        }
    }

    /// Sick, not hung: answers 500 to the check. It is swapped; the others stay.
    @Test func sickWorkerIsReplaced() async throws {
        let sickness = "/tmp/st-sick.\(UInt32.random(in: 0 ... .max))"
        defer { unlink(sickness) }
        try await Tree.with {
            $0.users = ["alice": "env: {SICK_FILE: \(sickness)}\n", "bob": ""]
            $0.settings["worker.check"] = "{path: /healthz, interval: 200ms, timeout: 1s, fall: 3}"
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "bob").pids
            let file = Descriptor(owning: try check("open") { open(sickness, O_CREAT | O_WRONLY | O_CLOEXEC, 0o644) })
            try await tree.waitUntil("alice is being replaced") { report in
                report.user("alice").map { $0.pid != before["alice"] || !$0.isReady } ?? false
            }
            unlink(sickness)
            _ = file
            let after = try await tree.waitUntil("alice has a new process") { report in
                report.user("alice").map { $0.isReady && $0.pid != before["alice"] && $0.health == "passing" } ?? false
            }
            #expect(after.pids["bob"] == before["bob"])
            try await tree.expectEachUserServed()
        }
    }

    /// A worker's child holds on to the socket of its dead parent: it is ended with it.
    @Test func childrenOfADeadWorkerDieWithIt() async throws {
        try await Tree.with {
            $0.users = ["alice": "env: {CHILD: \"1\"}\n"]
        } _: { tree in
            let pid = try #require(try await tree.waitUntilReady("alice").pids["alice"])
            let family = try await eventually("the worker has a child") { () -> [ProcessIdentity]? in
                let all = ProcessTable.withEnvironment(["STEWARD_RUNTIME": tree.runtime, "STEWARD_USER": "alice"])
                return all.count > 1 ? all : nil
            }
            kill(pid, SIGKILL)
            try await eventually("the whole session is gone") { family.allSatisfy { !$0.isAlive } }
            try await tree.waitUntilReplaced("alice", pid)
            try await tree.expectEachUserServed()
        }
    }

    /// A worker that never starts is tried again with pauses, is called a crash loop, and disturbs no other user.
    @Test func workerThatNeverStartsIsACrashLoop() async throws {
        try await Tree.with {
            $0.users = ["alice": "env: {EXIT: \"3\"}\n", "bob": ""]
            $0.settings["worker.restart"] = "{first: 0s, then: 20ms, factor: 1, cap: 500ms, loop: 4 in 60s}"
        } _: { tree in
            try await tree.waitUntilReady("bob")
            let report = try await tree.waitUntil("alice is in a crash loop") {
                $0.user("alice")?.state == "crash-looping"
            }
            let alice = try #require(report.user("alice"))
            #expect(alice.restarts >= 4)
            #expect(alice.lastExit?.contains("3") == true)
            #expect(alice.reason?.isEmpty == false)
            #expect(await tree.get("alice").status == 503)
            // Nothing is given up for good.
            try await tree.waitUntil("alice is tried again") { ($0.user("alice")?.restarts ?? 0) > alice.restarts }
            try tree.modifyUser("alice", "")
            try await tree.waitUntilReady("alice")
            try await tree.expectEachUserServed()
        }
    }

    /// SIGTERM of master: also what ignores SIGTERM is ended in time, and what it left beside itself.
    @Test func orderedStopEndsStubbornWorkers() async throws {
        try await Tree.with {
            $0.users = [
                "alice": "", "bob": "env: {STUBBORN: \"1\"}\n", "carol": "env: {STUBBORN: \"1\", CHILD: \"1\"}\n",
            ]
            $0.settings["worker.stop_timeout"] = "1s"
        } _: { tree in
            try await tree.waitUntilReady("alice", "bob", "carol")
            try await tree.stop(within: .seconds(15))
            let result = try await tree.steward("status")
            #expect(result.status == 3)
        }
    }

    /// A request that is on its way when the tree is told to stop is answered.
    @Test func orderedStopFinishesRequests() async throws {
        try await Tree.with(users: "alice") { tree in
            try await tree.waitUntilReady("alice")
            let gate = "\(tree.folder)/gate"
            async let slow = tree.get("alice", "/?until=\(gate)")
            try await eventually("the slow request is being worked on") { try await tree.answer("alice").busy == 2 }
            tree.master?.signal(SIGTERM)
            try tree.write("", to: gate)
            #expect(await slow.status == 200)
            #expect(try await tree.master?.exit() == 0)
            try tree.expectNothingLeft()
        }
    }
}
