// No request is lost: what the kernel lets Steward hide, customers do not notice.

import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct NoRequestLostTests {
    private static func names(_ count: Int) -> [String] { (1...count).map { "user-\($0)" } }

    private static func users(_ names: [String]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: names.map { ($0, "") })
    }

    /// Every worker of 20 users is killed, twice, one after another, under steady load through nginx.
    @Test func twentyUsersKilledTwiceLoseNoGET() async throws {
        let names = Self.names(20)
        try await Tree.with {
            $0.users = Self.users(names)
            $0.nginx = true
        } _: { tree in
            try await tree.waitUntil("all ready") { report in names.allSatisfy { report.user($0)?.isReady == true } }
            let loads = names.map { name in
                tree.load(name) {
                    $0.rate = 5
                    $0.connections = 50
                    $0.duration = .seconds(300)
                }
            }
            for round in 1...2 {
                for (name, load) in zip(names, loads) {
                    try await load.more(3)
                    let pid = try #require(try await tree.status().user(name)?.pid)
                    kill(pid, SIGKILL)
                }
                try await tree.waitUntil("all are back after round \(round)") { report in
                    names.allSatisfy { name in
                        report.user(name).map { $0.isReady && $0.restarts == round } ?? false
                    }
                }
            }
            for load in loads {
                let result = try await load.expectNoneFailed(after: 3)
                #expect(result.pids.count == 3, "\(result)")
            }
            try await tree.expectEachUserServed()
        }
    }

    /// All users are swapped while GETs and POSTs run: nothing fails, whatever its kind.
    @Test func swappingEverybodyLosesNothing() async throws {
        let names = Self.names(6)
        try await Tree.with {
            $0.users = Self.users(names)
            $0.nginx = true
        } _: { tree in
            let before = try await tree.waitUntil("all ready") { report in
                names.allSatisfy { report.user($0)?.isReady == true }
            }
            let gets = names.map { tree.load($0) { $0.connections = 2 } }
            let posts = names.map { name in
                tree.load(name) {
                    $0.request.method = .POST
                    $0.request.body = String(repeating: "x", count: 10_000)
                    $0.connections = 2
                }
            }
            for _ in 1...2 {
                for load in gets + posts { try await load.more(5) }
                for name in names {
                    let result = try await tree.steward("restart", name, "--wait")
                    #expect(result.status == 0, "\(result.errors)")
                }
            }
            for load in gets + posts {
                let result = try await load.expectNoneFailed(after: 5)
                #expect(result.pids.count == 3, "\(result)")
            }
            let after = try await tree.status()
            for name in names {
                #expect(after.user(name)?.pid != before.user(name)?.pid)
                #expect(after.user(name)?.restarts == 0)
            }
            try await eventually("the old ones are gone") {
                before.processes.filter { ProcessIdentity($0) != nil }.count == before.processes.count - names.count
            }
            try await tree.expectEachUserServed()
        }
    }

    /// A worker whose loop turns, and which accepts no connection any more: requests on its socket are answered, too.
    @Test func aDeafWorkerIsReplacedAndItsVisitorsAreAnswered() async throws {
        let folder = try TemporaryFolder()
        let cause = "\(folder.path)/deaf"
        try await Tree.with {
            $0.users = ["alice": "env: {DEAF: \(cause)}\n"]
            $0.settings["worker.check"] = "{path: /healthz, interval: 500ms, timeout: 500ms, fall: 2}"
        } _: { tree in
            let pid = try #require(try await tree.waitUntilReady("alice").pids["alice"])
            try await eventually("its heart beats") {
                try await tree.steward("why", "alice").output.contains("last heartbeat")
            }
            try tree.write("", to: cause)
            let waiting = (1...20).map { _ in Task { await tree.get("alice") } }
            try await tree.waitUntilReplaced("alice", pid)
            unlink(cause)
            for task in waiting {
                let outcome = await task.value
                #expect(outcome.status == 200 || outcome.status == 503, "\(outcome)")
            }
            #expect(try await tree.status().user("alice")?.restarts == 0)
            try await eventually("the deaf one is gone") { ProcessIdentity(pid) == nil }
            try await tree.expectEachUserServed()
        }
    }

    /// A held user is answered, each request, also while the hold begins and ends: 503 or 200, never an error.
    @Test func holdingAnswersEveryRequest() async throws {
        try await Tree.with {
            $0.users = ["alice": "", "bob": ""]
            $0.nginx = true
        } _: { tree in
            try await tree.waitUntilReady("alice", "bob")
            let load = tree.load("alice")
            let other = tree.load("bob") { $0.connections = 1 }
            for _ in 1...3 {
                try await load.more(30)
                #expect(try await tree.steward("hold", "alice", "--reason", "inventory", "--wait").status == 0)
                try await load.more(30)
                let held = await tree.get("alice")
                #expect(held.status == 503)
                #expect(try await tree.steward("release", "alice", "--wait").status == 0)
            }
            try await load.more(30)
            let result = try await load.stop()
            #expect(Set(result.outcomes.keys) == ["200", "503"], "\(result)")
            #expect(try await other.stop().failed == 0)
            try await tree.expectEachUserServed()
        }
    }

    /// A crash loop, a hung worker and one whose children outlive it: the others lose nothing.
    @Test func misbehavingNeighboursCostNothing() async throws {
        try await Tree.with {
            $0.users = [
                "alice": "", "looping": "env: {EXIT: \"3\"}\n", "hung": "", "forking": "env: {CHILD: \"1\"}\n",
            ]
            $0.settings["worker.check"] = "{path: /healthz, interval: 300ms, timeout: 500ms, fall: 3}"
            $0.settings["worker.restart"] = "{first: 0s, then: 50ms, cap: 500ms}"
            $0.nginx = true
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "hung", "forking")
            let load = tree.load("alice")
            async let hanging = tree.get("hung", "/?hang=1")
            for _ in 1...2 {
                let pid = try #require(try await tree.waitUntilReady("forking").user("forking")?.pid)
                kill(pid, SIGKILL)
                try await tree.waitUntilReplaced("forking", pid)
            }
            try await tree.waitUntilReplaced("hung", before.user("hung")?.pid)
            try await tree.waitUntil("looping is named") { $0.user("looping")?.state == "crash-looping" }
            _ = await hanging
            try await load.expectNoneFailed()
            #expect(try await tree.status().user("alice")?.pid == before.user("alice")?.pid)
            try await tree.expectEachUserServed()
        }
    }

    /// A hundred users that are added at once: users that are there already lose nothing, all of them get ready.
    @Test func aCrowdOfStartsLeavesTheReadyAlone() async throws {
        let crowd = Self.names(100)
        try await Tree.with {
            $0.users = ["alice": ""]
            $0.settings["worker.command"] =
                "[/usr/bin/python3, \(Sources.path("Tests/Workers/small.py"))]"
            $0.nginx = true
        } _: { tree in
            try await tree.waitUntilReady("alice")
            let load = tree.load("alice") { $0.connections = 2 }
            for name in crowd { try tree.addUser(name) }
            let report = try await tree.waitUntil("the crowd is ready", within: .seconds(120)) { report in
                crowd.allSatisfy { report.user($0)?.isReady == true }
            }
            #expect(report.users.allSatisfy { $0.restarts == 0 })
            try await load.expectNoneFailed()
            let log = try await tree.steward("events", "--json")
            #expect(log.output.contains("\"rule\":\"progress\""))
            try await tree.expectEachUserServed()
        }
    }

    /// What a worker double-forks into a session of its own ends with it, and so does everything at the ordered end.
    @Test func daemonsOfAWorkerEndWithIt() async throws {
        try await Tree.with {
            $0.users = ["alice": "env: {DAEMON: \"1\"}\n"]
        } _: { tree in
            let pid = try #require(try await tree.waitUntilReady("alice").user("alice")?.pid)
            func family() -> [ProcessIdentity] {
                ProcessTable.withEnvironment(["STEWARD_RUNTIME": tree.runtime, "STEWARD_USER": "alice"])
            }
            let first = try await eventually("the worker has a daemon") { family().count > 1 ? family() : nil }
            kill(pid, SIGKILL)
            try await eventually("both are gone") { first.allSatisfy { !$0.isAlive } }
            try await tree.waitUntilReplaced("alice", pid)
            try await eventually("its successor has a daemon") { family().count > 1 }
        }
    }

    /// An application that calls listen() itself lowers the backlog for all processes on the socket; it is restored.
    @Test func aBacklogThatWasLoweredIsRestored() async throws {
        try await Tree.with {
            $0.users = ["alice": "env: {LISTENS: \"1\"}\n"]
            $0.settings["worker.check"] = "{path: /healthz, interval: 60s}"
        } _: { tree in
            let pid = try #require(try await tree.waitUntilReady("alice").user("alice")?.pid)
            kill(pid, SIGSTOP)
            defer { kill(pid, SIGCONT) }
            let waiting = try (1...100).map { _ in try UnixSocket.connect(to: "\(tree.runtime)/users/alice.sock") }
            #expect(waiting.count == 100, "a backlog of one would have refused the third")
        }
    }

    /// A worker that has closed its listening socket answers no request: its checks find it and it is replaced.
    /// Requests that have waited are served by its successor or told to try again.
    @Test func aWorkerThatClosesItsSocketIsReplaced() async throws {
        let flag = "/tmp/st-closes.\(UInt32.random(in: 0 ... .max))"
        try await Tree.with {
            $0.users = ["alice": "env: {CLOSES: \(flag)}\n"]
            $0.settings["worker.check"] = "{path: /healthz, interval: 300ms, timeout: 400ms, fall: 3}"
        } _: { tree in
            let old = try #require(try await tree.waitUntilReady("alice").user("alice")?.pid)
            try tree.write("", to: flag)
            kill(old, SIGKILL)
            let deaf = try await tree.waitUntil("the next one is deaf") { report in
                report.user("alice").map { $0.pid != nil && $0.pid != old && $0.isReady } ?? false
            }
            async let waiting = tree.get("alice")
            try await tree.waitUntilReplaced("alice", deaf.user("alice")?.pid)
            let outcome = await waiting
            #expect(outcome.status == 200 || outcome.status == 503, "\(outcome)")
            #expect(await tree.get("alice").status == 200)
            try await tree.expectEachUserServed()
        }
    }

    /// A worker that makes the listening socket blocking for all processes on it stops none of them.
    @Test func aBlockingSocketDoesNotStopTheKeeper() async throws {
        try await Tree.with {
            $0.users = ["alice": "env: {BLOCKING: \"1\"}\n", "bob": ""]
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "bob")
            #expect(try await tree.steward("hold", "alice", "bob", "--wait").status == 0)
            for name in ["alice", "bob", "alice", "bob"] { #expect(await tree.get(name).status == 503) }
            #expect(try await tree.steward("release", "alice", "bob", "--wait").status == 0)
            let after = try await tree.status()
            #expect(after.watcher("keeper")?.pid == before.watcher("keeper")?.pid)
        }
    }
}
