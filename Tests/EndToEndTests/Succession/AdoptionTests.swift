// Master dies, and the next one goes on: nothing is started twice, nothing that is well is stopped.

import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct AdoptionTests {
    /// Every way in which a user can be: served, held, in a crash loop, printing, notifying on one connection for ever.
    @Test func theDeathOfMasterCostsNobodyARequest() async throws {
        let served = ["alice", "bob", "printing", "connected"]
        try await Tree.with {
            $0.users = [
                "alice": "plan: paid\n", "bob": "", "printing": "env: {PRINTS: \"1\"}\n",
                "connected": "env: {CONNECTED: \"1\"}\n", "held": "", "looping": "env: {EXIT: \"3\"}\n",
            ]
            $0.settings["worker.restart"] = "{then: 200ms, cap: 1s}"
            $0.nginx = true
        } _: { tree in
            let before = try await tree.waitUntil("all as they should be") { report in
                served.allSatisfy { report.user($0)?.isReady == true }
                    && report.user("looping")?.state == "crash-looping"
            }
            try await tree.steward("hold", "held", "--wait")
            let gets = served.map { name in tree.load(name, Self.long) }
            let posts = served.map { name in
                tree.load(name) {
                    Self.long(&$0)
                    $0.request.method = .POST
                    $0.request.body = String(repeating: "x", count: 5000)
                }
            }
            let refused = tree.load("held") {
                Self.long(&$0)
                $0.expected = 503
            }
            for _ in 1...6 {
                for load in gets + posts + [refused] { try await load.more(10) }
                try await tree.replaceMaster()
                try await tree.waitUntil("everybody is adopted") { report in
                    report.master.adopted >= served.count && report.watchers.allSatisfy { $0.state == "up" }
                        && served.allSatisfy { report.user($0)?.isReady == true }
                }
            }
            for load in gets + posts + [refused] { try await load.expectNoneFailed(after: 10) }
            let after = try await tree.status()
            for name in served { #expect(after.user(name)?.pid == before.user(name)?.pid) }
            #expect(after.user("held")?.state == "held")
            try await tree.waitUntil("looping loops on") { $0.user("looping")?.state == "crash-looping" }
            try await tree.expectEachUserServed()
            #expect(Self.watchers(of: tree).count == after.watchers.count, "\(Self.watchers(of: tree))")
            // What is notified still arrives: the worker tells the time that it has been asked.
            try await eventually("the connected one is heard") {
                try await tree.steward("why", "connected").output.contains("last heartbeat")
            }
            let printed = try String(contentsOfFile: "\(tree.folder)/logs/printing.log", encoding: .utf8)
            #expect(printed.contains("request 50"))
        }
    }

    /// One request after another, for as long as a slow machine takes.
    @Sendable private static func long(_ plan: inout LoadPlan) {
        plan.connections = 1
        plan.duration = .seconds(300)
    }

    private static func watchers(of tree: Tree) -> [ProcessIdentity] {
        ProcessTable.withEnvironment(["STEWARD_RUNTIME": tree.runtime]).filter { process in
            let environment = try? String(contentsOfFile: "/proc/\(process.pid)/environ", encoding: .utf8)
            return environment?.contains("STEWARD_WATCHER=") == true
        }
    }

    @Test func aWorkerThatDiesWithMasterIsRestartedOnItsSocket() async throws {
        try await Tree.with {
            $0.users = ["alice": "", "bob": ""]
            $0.nginx = true
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "bob")
            let load = tree.load("alice", Self.long)
            try await load.more(10)
            try await tree.replaceMaster {
                kill(try #require(before.pids["alice"]), SIGKILL)
            }
            let after = try await tree.waitUntil("alice is back") { $0.user("alice")?.isReady == true }
            #expect(after.user("alice")?.restarts == 1)
            #expect(after.user("bob")?.pid == before.user("bob")?.pid)
            try await load.expectNoneFailed(after: 10)
            try await tree.expectEachUserServed()
        }
    }

    /// Sockets and pipes come back from the workers.
    @Test(arguments: [SIGKILL, SIGSTOP]) func theKeeperIsLostWithMaster(signal: Int32) async throws {
        try await Tree.with {
            $0.users = ["alice": "env: {PRINTS: \"1\"}\n", "held": ""]
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "held")
            try await tree.steward("hold", "held", "--wait")
            let keeper = try #require(before.watcher("keeper")?.pid)
            try await tree.replaceMaster { kill(keeper, signal) }
            let after = try await tree.waitUntil("all is as it was") { report in
                report.user("alice")?.isReady == true && report.user("held")?.state == "held"
            }
            #expect(after.user("alice")?.pid == before.user("alice")?.pid)
            #expect(ProcessIdentity(keeper) == nil)
            #expect(try await tree.answer("alice").pid == after.user("alice")?.pid)
            try await eventually("the held one is answered") { await tree.get("held").status == 503 }
            try await eventually("what alice prints is kept") {
                try String(contentsOfFile: "\(tree.folder)/logs/alice.log", encoding: .utf8).contains("request 1")
            }
            // Its socket is master's again: requests that arrive while the worker is dead wait for the next.
            let pid = try #require(after.pids["alice"])
            kill(pid, SIGKILL)
            #expect(try await tree.answer("alice").pid != pid)
            try await tree.expectEachUserServed()
        }
    }

    @Test func masterDiesInTheMiddleOfASwap() async throws {
        try await Tree.with {
            $0.users = ["alice": "env: {SHOWN: old}\n"]
            $0.nginx = true
        } _: { tree in
            try await tree.waitUntilReady("alice")
            let load = tree.load("alice", Self.long)
            try tree.modifyUser("alice", "env: {SHOWN: new, READY_AFTER: \"2\"}\n")
            try await tree.waitUntil("the swap has begun") { $0.user("alice")?.state == "swapping" }
            try await tree.replaceMaster()
            try await eventually("the new one serves") { try await tree.answer("alice").shown == "new" }
            let result = try await load.expectNoneFailed(after: 10)
            #expect(result.pids.count == 2, "\(result)")
            try await tree.expectEachUserServed()
        }
    }

    @Test func masterDiesWhileAHundredStart() async throws {
        let names = (1...100).map { "user-\($0)" }
        try await Tree.with {
            $0.settings["worker.command"] = "[/usr/bin/python3, \(Sources.path("Tests/Workers/small.py"))]"
        } _: { tree in
            for name in names { try tree.addUser(name) }
            for share in [20, 50, 80] {
                try await tree.waitUntil("\(share) are ready") { $0.users.count { $0.isReady } >= share }
                try await tree.replaceMaster()
            }
            try await tree.waitUntil("all are ready") { $0.users.count { $0.isReady } == names.count }
            try await tree.expectEachUserServed()
        }
    }

    @Test func masterDiesInTheMiddleOfAStop() async throws {
        try await Tree.with {
            $0.users = ["alice": "env: {STUBBORN: \"1\"}\n", "bob": "", "carol": ""]
            $0.settings["worker.stop_timeout"] = "3s"
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "bob", "carol")
            let master = try #require(tree.master)
            let (alice, bob) = (try #require(before.pids["alice"]), try #require(before.pids["bob"]))
            master.signal(SIGTERM)
            // A worker that ignores SIGTERM holds the stop up.
            try await eventually("the others are gone") { ProcessIdentity(bob) == nil }
            #expect(ProcessIdentity(alice) != nil)
            try await tree.replaceMaster()
            let after = try await tree.waitUntilReady("alice", "bob", "carol")
            #expect(after.user("bob")?.pid != bob)
            try await eventually("the old one is gone") { ProcessIdentity(alice) == nil }
            try await tree.waitUntilReady("alice")
            try await tree.expectEachUserServed()
        }
    }

    @Test func whatChangedWhileNoMasterRanIsTreatedByTheDifference() async throws {
        try await Tree.with(users: "alice", "bob", "carol", "dave", "erin", "frank") { tree in
            let before = try await tree.waitUntilReady("alice", "bob", "carol", "dave", "erin", "frank")
            try await tree.replaceMaster {
                try tree.deleteUser("bob")
                try tree.modifyUser("carol", "env: {SHOWN: changed}\n")
                try tree.addUser("grace")
                try tree.modifyUser("dave", "plan: paid\n")
                try tree.write("plan: fantastic\n", to: "\(tree.users)/erin/user.yaml")
                try tree.modifyUser("frank", "enabled: false\n")
            }
            let after = try await tree.waitUntil("all is done") { report in
                report.user("bob") == nil && report.user("grace")?.isReady == true
                    && report.user("carol").map { $0.isReady && $0.pid != before.user("carol")?.pid } ?? false
                    && report.user("frank")?.state == "disabled"
            }
            for name in ["alice", "dave"] { #expect(after.user(name)?.pid == before.user(name)?.pid) }
            #expect(try await tree.answer("carol").shown == "changed")
            // A user whose file is wrong runs on.
            #expect(try await tree.answer("erin").pid == before.user("erin")?.pid)
            try tree.modifyUser("erin", "")
            try await tree.waitUntil("erin is known") { $0.user("erin")?.pid == before.user("erin")?.pid }
            let bob = try #require(before.pids["bob"])
            try await eventually("bob's worker is gone") { ProcessIdentity(bob) == nil }
            try await tree.expectEachUserServed()
        }
    }

    @Test(arguments: ["", "steward state 9\n", "torn"]) func aDamagedStateIsSetAside(content: String) async throws {
        try await Tree.with(users: "alice", "bob") { tree in
            let before = try await tree.waitUntilReady("alice", "bob")
            let path = "\(tree.runtime)/state"
            try await tree.replaceMaster {
                if content == "torn" {
                    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
                    // Behind the header.
                    for index in stride(from: 1536, to: bytes.count, by: 100) { bytes[index] ^= 0x55 }
                    try Data(bytes).write(to: URL(fileURLWithPath: path))
                } else {
                    try tree.write(content, to: path)
                }
            }
            let after = try await tree.waitUntilReady("alice", "bob")
            #expect(after.pids == before.pids)
            #expect(after.master.adopted == 2)
            let log = try String(contentsOfFile: tree.log, encoding: .utf8)
            #expect(log.contains("run/state: "), "\(log)")
            try await tree.expectEachUserServed()
        }
    }

    @Test func masterIsToldToLeave() async throws {
        try await Tree.with(users: "alice") { tree in
            let before = try await tree.waitUntilReady("alice")
            let master = try #require(tree.master)
            master.signal(SIGUSR2)
            #expect(try await master.exit() == 0)
            #expect(try await tree.answer("alice").pid == before.user("alice")?.pid)
            try tree.start()
            let after = try await tree.waitUntilReady("alice")
            #expect(after.pids == before.pids)
        }
    }

    @Test func stoppedWatchersOfAnEarlierMasterAreEnded() async throws {
        try await Tree.with(users: "alice") { tree in
            let before = try await tree.waitUntil("all are up") { report in
                report.user("alice")?.isReady == true && report.watchers.allSatisfy { $0.state == "up" }
            }
            let old = before.watchers.filter { $0.name != "keeper" }.compactMap(\.pid)
            #expect(old.count == 3)
            for pid in old { kill(pid, SIGSTOP) }
            try await tree.replaceMaster()
            let after = try await tree.waitUntilReady("alice")
            #expect(after.pids == before.pids)
            #expect(old.allSatisfy { ProcessIdentity($0) == nil })
            #expect(after.watcher("keeper")?.pid == before.watcher("keeper")?.pid)
        }
    }

    /// A deploy replaces the programs under a running master: a watcher of another version tells.
    @Test func masterGivesWayToAReplacedProgram() async throws {
        let hello =
            "import os, socket, struct, time; generation = int(os.environ['STEWARD_WATCHER']); "
            + "hello = struct.pack('>IBIBIQ', 18, 1, 99, 2, os.getpid(), generation); "
            + "socket.socket(fileno=3).sendall(hello); time.sleep(60)"
        let own = try Executables.folder()
        try await Tree.with {
            $0.users = ["alice": ""]
            $0.replacements["pathwatch"] = """
                #!/bin/sh
                [ -e "${0%/*}/deploying" ] && exec /usr/bin/python3 -c "\(hello)"
                exec \(own)/pathwatch

                """
        } _: { tree in
            let before = try await tree.waitUntilReady("alice")
            let load = tree.load("alice", Self.long)
            try tree.write("", to: "\(tree.binaries)/deploying")
            kill(try #require(before.watcher("pathwatch")?.pid), SIGKILL)
            let log = { try String(contentsOfFile: tree.log, encoding: .utf8) }
            try await eventually("the version is refused") { try log().contains("speaks protocol version 99") }
            // The same program as before is no reason to leave.
            #expect(try !log().contains("its program was replaced"))
            let copy = try await CommandResult.of("/bin/cp", ["\(own)/master", "\(tree.binaries)/new"])
            #expect(copy.status == 0)
            try check("rename") { rename("\(tree.binaries)/new", "\(tree.binaries)/master") }
            try await eventually("master gives way") { try log().contains("its program was replaced") }
            unlink("\(tree.binaries)/deploying")
            let after = try await tree.waitUntil("all is as it was") { report in
                report.master.adopted == 1 && report.watchers.allSatisfy { $0.state == "up" }
            }
            #expect(after.master.pid == before.master.pid)
            #expect(after.pids == before.pids)
            try await load.expectNoneFailed()
            try await tree.expectEachUserServed()
        }
    }

    /// A keeper of another protocol version hands over in the form that stays the same, and leaves.
    @Test func aKeeperOfAnotherVersionIsReplaced() async throws {
        try await Tree.with(users: "alice") { tree in
            try await tree.waitUntilReady("alice")
            let keeper = try #require(try await tree.status().watcher("keeper")?.pid)
            let output = try Scratch()
            var old: Child?
            var waiting: Task<Outcome, Never>?
            try await tree.replaceMaster {
                kill(keeper, SIGKILL)
                let script = Sources.path("Tests/Workers/old_keeper.py")
                old = try Child(
                    "/usr/bin/python3", [script, tree.runtime, "alice"],
                    descriptors: [try Scratch.nothing(), output.descriptor, output.descriptor])
                try await eventually("it listens") { try output.text().contains("listens") }
                waiting = Task { await tree.get("alice") }
            }
            let log = try String(contentsOfFile: tree.log, encoding: .utf8)
            #expect(log.contains("replaces a keeper of protocol version 1"), "\(log)")
            #expect(try await #require(old).exit() == 0)
            let outcome = await waiting?.value
            #expect(outcome?.status == 503 || outcome?.status == 200, "\(String(describing: outcome))")
            try await eventually("alice serves again") { await tree.get("alice").status == 200 }
            try await tree.expectEachUserServed()
        }
    }
}
