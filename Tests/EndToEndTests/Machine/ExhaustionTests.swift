// The machine runs out of something: what is served goes on, what cannot be done waits, says why, and comes.

import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct ExhaustionTests {
    private func log(_ tree: Tree) throws -> String { try String(contentsOfFile: tree.log, encoding: .utf8) }

    private func count(_ text: String, in log: String) -> Int { log.components(separatedBy: text).count - 1 }

    // MARK: descriptors

    @Test func masterWithoutDescriptors() async throws {
        try await Tree.with(users: "alice", "bob") { tree in
            let before = try await tree.waitUntilReady("alice", "bob")
            let load = tree.load("alice") { $0.connections = 1 }
            let giveBack = try await Limits.takeDescriptors(from: before.master.pid)
            // A restart needs no more descriptors than the dead worker has left.
            let bob = try #require(before.pids["bob"])
            kill(bob, SIGKILL)
            try await tree.waitUntil("bob is served again") { report in
                report.user("bob")?.isReady == true && report.pids["bob"] != bob
            }
            try tree.addUser("carol")
            let short = try await tree.waitUntil("carol is told why she waits") { report in
                report.user("carol")?.reason?.contains("Too many open files") == true
            }
            #expect(short.user("carol")?.state == "waiting")
            #expect(try await tree.steward("why", "carol").output.contains("Too many open files"))

            // Neither the operator nor a crowd of them is left without an answer, again and again.
            let busy = try Limits.processorTime(before.master.pid)
            let begin = Instant.now()
            for _ in 1...20 { #expect(try await tree.status().pids["alice"] == before.pids["alice"]) }
            let silent = try (0..<10).map { _ in try UnixSocket.connect(to: "\(tree.runtime)/control.sock") }
            try await Task.sleep(for: .seconds(2))
            let share = try Limits.processorTime(before.master.pid) - busy
            let seconds = (Instant.now() - begin).milliseconds / 1000
            #expect(share / seconds < 0.2, "\(share) s of processor in \(seconds) s")
            withExtendedLifetime(silent) {}

            try await giveBack()
            let after = try await tree.waitUntilReady("bob", "carol")
            #expect(after.master.pid == before.master.pid)
            #expect(after.pids["alice"] == before.pids["alice"])
            #expect(after.watchers.map(\.restarts) == before.watchers.map(\.restarts))
            // No start that failed for the machine's sake is a death.
            #expect(after.user("bob")?.restarts == 1 && after.user("carol")?.restarts == 0)
            try await load.expectNoneFailed()
            try await tree.expectEachUserServed()
            let text = try log(tree)
            #expect(count("carol: no process can be made", in: text) == 1)
            // Once for each time that it was short again, not once for each try.
            #expect(count("carol: socket", in: text) <= 3)
        }
    }

    @Test func keeperWithoutDescriptors() async throws {
        try await Tree.with(users: "alice", "bob") { tree in
            let before = try await tree.waitUntilReady("alice", "bob")
            try await tree.steward("hold", "bob")
            try await eventually("the stand-in answers for bob") { await tree.get("bob").status == 503 }
            let keeper = try #require(before.watcher("keeper")?.pid)
            let giveBack = try await Limits.takeDescriptors(from: keeper)
            for _ in 1...20 { #expect(await tree.get("bob").status == 503) }
            // Carol's socket finds no room there; she is served by her worker all the same.
            try tree.addUser("carol")
            try await tree.waitUntilReady("carol")
            try await eventually("what is missing is told") {
                try log(tree).contains(": goes on with what is there")
            }
            let busy = try Limits.processorTime(keeper)
            try await Task.sleep(for: .seconds(2))
            #expect(try Limits.processorTime(keeper) - busy < 0.4)
            #expect(await tree.get("bob").status == 503)
            #expect(try await tree.status().watcher("keeper")?.pid == keeper)

            // When there is room again another keeper is given everything.
            try await giveBack()
            let after = try await tree.waitUntil("another keeper is there") { report in
                report.watcher("keeper").map { $0.state == "up" && $0.pid != keeper } ?? false
            }
            #expect(after.pids["alice"] == before.pids["alice"])
            try await tree.steward("hold", "carol")
            try await eventually("the stand-in answers for carol") { await tree.get("carol").status == 503 }
            #expect(await tree.get("bob").status == 503)
        }
    }

    /// That dbwatch cannot log in any more says nothing about the database.
    @Test func dbwatchWithoutDescriptors() async throws {
        try await PostgreSQL.with { server in
            try await Tree.with {
                $0.users = ["alice": ""]
                $0.useDatabase("main-a", server)
                $0.settings["database_check"] = "{interval: 100ms, timeout: 1s, fall: 2, login_interval: 200ms}"
            } _: { tree in
                let before = try await tree.waitUntilReady("alice")
                let dbwatch = try #require(before.watcher("dbwatch")?.pid)
                let giveBack = try await Limits.takeDescriptors(from: dbwatch)
                try await eventually("it is told, once") {
                    count("what is known stands", in: try log(tree)) == 1
                }
                // Many more logins fail.
                try await Task.sleep(for: .seconds(4))
                let short = try await tree.status()
                #expect(short.database("main-a")?.state == "available")
                #expect(short.user("alice")?.isReady == true)
                try await giveBack()
                await server.freeze()
                try await tree.waitUntil("it is unavailable") { $0.database("main-a")?.state == "unavailable" }
                await server.thaw()
                let after = try await tree.waitUntilReady("alice")
                #expect(after.pids == before.pids)
                #expect(after.watcher("dbwatch")?.restarts == 0)
            }
        }
    }

    // MARK: processes

    /// launch runs as an account of its own here, which may have so many processes; nothing else runs as that account.
    @Test func noMoreProcesses() async throws {
        guard geteuid() == 0 else { return print("a limit of processes is not tried: only root can change accounts") }
        let account = "\(UInt32.random(in: 1_000_000...2_000_000_000))"
        let launch = "\(try Executables.folder())/launch"
        try await Tree.with {
            $0.replacements["launch"] = """
                #!/bin/sh
                exec /usr/bin/setpriv --reuid=\(account) --regid=\(account) --clear-groups \(launch)

                """
        } _: { tree in
            try check("chmod", tree.folder) { chmod(tree.folder, 0o755) }
            try tree.addUser("alice")
            let before = try await tree.waitUntilReady("alice")
            let process = try #require(before.watcher("launch")?.pid)
            // launch and alice are two already.
            try await Limits.set(process, "--nproc=1:", as: account)
            try tree.addUser("bob")
            try tree.modifyUser("alice", "env: {SHOWN: new}\n")
            let short = try await tree.waitUntil("it is told why") { report in
                ["alice", "bob"].allSatisfy {
                    report.user($0)?.reason?.contains("clone: Resource temporarily unavailable") == true
                }
            }
            #expect(short.user("bob")?.state == "waiting")
            #expect(short.user("bob")?.reason?.contains("next try in") == true)
            #expect(short.user("alice")?.isReady == true && short.pids["alice"] == before.pids["alice"])
            let why = try await tree.steward("why", "bob").output
            #expect(why.contains("no process can be made: clone: Resource temporarily unavailable"), "\(why)")
            #expect(try await tree.answer("alice").pid == before.pids["alice"])
            #expect(try await tree.status().watcher("launch")?.restarts == 0)

            try await Limits.set(process, "--nproc=100:", as: account)
            try await tree.waitUntil("bob is there, and alice is swapped") { report in
                report.user("bob")?.isReady == true && report.user("alice")?.isReady == true
                    && report.pids["alice"] != before.pids["alice"]
            }
            #expect(try await tree.answer("alice").shown == "new")
            #expect(try await tree.status().user("bob")?.restarts == 0)
            #expect(count("bob: no process can be made", in: try log(tree)) == 1)
        }
    }

    // MARK: disks

    /// The state of 65 users needs more room than is set aside at first.
    @Test func aFullRuntimeFolder() async throws {
        try await Tree.withSmallDisk(as: "runtime") { tree, disk in
            let before = try await tree.waitUntilReady("alice")
            try disk.fill()
            for number in 1...80 { try tree.addUser("down-\(number)", "enabled: false\n") }
            try tree.addUser("zoe")
            try await tree.waitUntil("zoe is there") { $0.user("zoe")?.isReady == true && $0.users.count == 82 }
            #expect(count("No space left on device: goes on without, and tries again", in: try log(tree)) == 1)
            #expect(try await tree.status().pids["alice"] == before.pids["alice"])
            #expect(try await tree.answer("zoe").user == "zoe")
            let size = try stateSize(disk)
            try disk.free()
            try await eventually("the state is written") { try stateSize(disk) > size }
            try await eventually("zoe's is in it") {
                try Data(contentsOf: URL(fileURLWithPath: "\(disk.path)/state")).range(of: Data("zoe".utf8)) != nil
            }
        }
    }

    /// The operator's hold is promised only where it is kept; it changes nothing else.
    @Test func aHoldIsRefusedWhereItCannotBeKept() async throws {
        try await Tree.withSmallDisk(as: "state") { tree, disk in
            let before = try await tree.waitUntilReady("alice")
            try disk.fill()
            let refused = try await tree.steward("hold", "alice")
            #expect(refused.status == 1)
            #expect(refused.errors.contains("No space left on device"), "\(refused.errors)")
            #expect(try await tree.answer("alice").pid == before.pids["alice"])
            try disk.free()
            #expect(try await tree.steward("hold", "alice").status == 0)
        }
    }

    private func stateSize(_ disk: SmallDisk) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: "\(disk.path)/state")[.size] as? Int ?? 0
    }

    /// The file of the state cannot be made beside the old one: master starts all the same.
    @Test func masterStartsWithAFullRuntimeFolder() async throws {
        try await Tree.withSmallDisk(as: "runtime") { tree, disk in
            let before = try await tree.waitUntilReady("alice")
            try await tree.replaceMaster { try disk.fill() }
            let after = try await tree.waitUntilReady("alice")
            #expect(after.pids == before.pids)
            #expect(after.master.adopted == 1)
        }
    }

    // MARK: watches

    /// As a setting below /proc/sys/user, in a namespace of pathwatch's own.
    @Test(arguments: ["max_inotify_watches 3", "max_inotify_watches 0", "max_inotify_instances 0"])
    func noMoreWatches(limit: String) async throws {
        let words = limit.split(separator: " ")
        let limited = "echo \(words[1]) > /proc/sys/user/\(words[0])"
        let trial = try await CommandResult.of(
            "/usr/bin/unshare", ["--user", "--map-root-user", "/bin/sh", "-c", limited])
        guard trial.status == 0 else { return print("a limit of watches is not tried: \(trial.errors)") }
        let pathwatch = "\(try Executables.folder())/pathwatch"
        try await Tree.with {
            for number in 1...6 { $0.users["user-\(number)"] = "" }
            $0.replacements["pathwatch"] = """
                #!/bin/sh
                exec /usr/bin/unshare --user --map-root-user /bin/sh -c '\(limited) && exec \(pathwatch)'

                """
        } _: { tree in
            let names = (1...6).map { "user-\($0)" }
            let before = try await tree.waitUntil("all are ready") { report in
                names.allSatisfy { report.user($0)?.isReady == true }
            }
            for name in names { try tree.modifyUser(name, "env: {SHOWN: new}\n") }
            try tree.deleteUser("user-1")
            try tree.addUser("late")
            // Without inotify it would take a minute.
            try await tree.waitUntil("all is found", within: .seconds(45)) { report in
                report.user("late")?.isReady == true && report.user("user-1") == nil
                    && names.dropFirst().allSatisfy { name in
                        report.user(name)?.isReady == true && report.pids[name] != before.pids[name]
                    }
            }
            for name in names.dropFirst() { #expect(try await tree.answer(name).shown == "new") }
            #expect(count("(raise fs.inotify.max_user_", in: try log(tree)) == 1)
            #expect(try await tree.status().watcher("pathwatch")?.restarts == 0)
        }
    }
}
