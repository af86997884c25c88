// Wrong files, hostile bytes, a second master: each costs only itself.

import CLinux
import Foundation
import Shared
import SharedSystem
import TestSupport
import Testing

/// What is wrong in a steward.yaml, and where master has to see it.
struct FaultyFile: Sendable, CustomTestStringConvertible {
    let text: String
    let place: String
    var testDescription: String { text }

    static let all = [
        FaultyFile(text: "users: ./users\nworkers: {}\n", place: "2:1"),
        FaultyFile(text: "users: ./users\nworker: {stop_timeout: soon}\n", place: "2:24"),
        FaultyFile(text: "users: ./users\nworker:\n  check: {fall: -1}\n", place: "3:17"),
        FaultyFile(text: "runtime: ./run\n", place: "1:1"),
        FaultyFile(text: "users: [\n", place: ""),
        FaultyFile(text: "just a text\n", place: "1:1"),
        FaultyFile(text: "", place: "1:1"),
    ]
}

@Suite struct BadInputTests {
    private func temporaryFolder() throws -> String {
        let folder = "/tmp/st-file.\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        return folder
    }

    private func master(_ arguments: String...) async throws -> CommandResult {
        try await CommandResult.of("\(try Executables.folder())/master", arguments)
    }

    @Test(arguments: FaultyFile.all)
    func faultyConfigurationEndsMasterWithOneLine(fault: FaultyFile) async throws {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = "\(folder)/steward.yaml"
        try Data(fault.text.utf8).write(to: URL(fileURLWithPath: file))
        let result = try await master("--config", file)
        #expect(result.status == 78)
        let lines = result.errors.split(separator: "\n")
        #expect(lines.count == 1, "\(result.errors)")
        #expect(lines.first?.hasPrefix("\(file):\(fault.place)") == true, "\(result.errors)")
        #expect(lines.first?.firstMatch(of: /:\d+:\d+: ./) != nil, "\(result.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["steward.yaml"])
    }

    @Test func missingConfigurationEndsMasterWithOneLine() async throws {
        let result = try await master("--config", "/nonexistent/steward.yaml")
        #expect(result.status == 78)
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        #expect(result.errors.contains("/nonexistent/steward.yaml"))
    }

    @Test func goodConfigurationPassesTheCheckAndStartsNothing() async throws {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = "\(folder)/steward.yaml"
        try Data("users: ./users\n".utf8).write(to: URL(fileURLWithPath: file))
        let result = try await master("--config", file, "--check")
        #expect(result.status == 0, "\(result.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["steward.yaml"])
    }

    @Test func secondMasterOnTheSameRuntimeFolderIsRefused() async throws {
        try await Tree.with(users: "alice") { tree in
            let before = try await tree.waitUntilReady("alice")
            let second = try await master("--config", tree.configuration)
            #expect(second.status == 75)
            #expect(second.errors.split(separator: "\n").count == 1, "\(second.errors)")
            let after = try await tree.status()
            #expect(after.master.pid == before.master.pid)
            #expect(after.pids == before.pids)
            #expect(await tree.get("alice").status == 200)
        }
    }

    @Test func faultyUserFileLeavesEverybodyAsTheyAre() async throws {
        try await Tree.with(users: "alice", "bob") { tree in
            let before = try await tree.waitUntilReady("alice", "bob").pids
            try tree.modifyUser("alice", "env: {SHOWN: new}\nplan: gold\n")
            let faulty = try await tree.waitUntil("the fault is told") { report in
                report.user("alice")?.reason?.contains("user.yaml:2:7") == true
            }
            #expect(faulty.user("alice")?.isReady == true)
            #expect(faulty.pids == before)
            #expect(try await tree.steward("why", "alice").output.contains("gold"))

            // A new user whose file is faulty from the start is not there, and disturbs no other.
            try tree.addUser("carol", "plan: [\n")
            try tree.addUser("dave")
            let after = try await tree.waitUntilReady("dave")
            #expect(after.pids["alice"] == before["alice"] && after.pids["bob"] == before["bob"])
            #expect(after.user("carol")?.pid == nil)
            #expect(after.faults.map(\.name) == ["carol"])
            #expect(after.faults.first?.text.contains("/carol/user.yaml:") == true, "\(after.faults)")

            try tree.modifyUser("carol", "")
            try tree.modifyUser("alice", "")
            let healed = try await tree.waitUntil("both are right again") { report in
                report.user("carol")?.isReady == true && report.user("alice").map { $0.reason == nil } == true
            }
            #expect(healed.user("alice")?.isReady == true && healed.faults.isEmpty)
            try await tree.expectEachUserServed()
        }
    }

    // MARK: the control socket

    private static let hostileStreams: [[UInt8]] = [
        [0, 0, 0, 0], [255, 255, 255, 255], [0, 1, 0, 1], [0, 0, 0, 1, 255], [0, 0, 0, 3, 17, 255, 255],
        Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), [UInt8](repeating: 0xAA, count: 100_000),
    ]

    @Test func hostileBytesCostOnlyTheirConnection() async throws {
        try await Tree.with(users: "alice") { tree in
            let before = try await tree.waitUntilReady("alice")
            let path = "\(tree.runtime)/control.sock"
            // Half a frame, and nothing at all: the connections stay open, and stop no other.
            let silent = try UnixSocket.connect(to: path)
            let half = try UnixSocket.connect(to: path)
            send([0, 0, 0, 9, 16], to: half)
            for stream in Self.hostileStreams {
                let connection = try UnixSocket.connect(to: path)
                send(stream, to: connection)
                try await eventually("master closes the connection after \(stream.prefix(8))") {
                    isClosed(connection)
                }
                #expect(try await tree.status().master.pid == before.master.pid)
            }
            #expect(!isClosed(silent) && !isClosed(half))
            #expect(try await tree.status().pids == before.pids)
        }
    }

    /// A client that asks and never reads costs at most a bounded queue.
    @Test func askerWhoNeverReadsStopsNobody() async throws {
        try await Tree.with(users: "alice") { tree in
            let before = try await tree.waitUntilReady("alice")
            let connection = try UnixSocket.connect(to: "\(tree.runtime)/control.sock")
            for _ in 0..<20_000 { send([0, 0, 0, 1, 16], to: connection) }
            let after = try await tree.status()
            #expect(after.pids == before.pids)
            #expect(await tree.get("alice").status == 200)
        }
    }

    private func send(_ bytes: [UInt8], to connection: Descriptor) {
        _ = Glibc.send(connection.number, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    private func isClosed(_ connection: Descriptor) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let size = read(connection.number, &buffer, buffer.count)
        return size == 0 || (size < 0 && errno != EAGAIN)
    }

    // MARK: watchers

    /// What stands in for a watcher: it speaks no frames, another version, half a frame, or cannot be executed at all.
    private static let brokenWatchers =
        [
            #"printf '\377\377\377\377' >&3; exec sleep 60"#,
            #"printf '\0\0\0\001\377' >&3; exec sleep 60"#,
            #"printf '\0\0\0\022\001\0\0\0\143\004\0\0\0\001\0\0\0\0\0\0\0\001' >&3; exec sleep 60"#,
            #"printf 'x' >&3"#,
            "exit 1",
        ].map { "#!/bin/sh\n\($0)\n" } + ["#!/nonexistent/interpreter\n"]

    @Test(arguments: brokenWatchers)
    func brokenWatcherCostsOnlyItself(script: String) async throws {
        try await Tree.with {
            $0.users = ["alice": ""]
            $0.replacements["dispatch"] = script
        } _: { tree in
            let before = try await tree.waitUntilReady("alice")
            let after = try await tree.waitUntil("dispatch is started again and again") {
                $0.watcher("dispatch").map { $0.restarts >= 2 } ?? false
            }
            #expect(after.master.pid == before.master.pid)
            #expect(after.pids == before.pids)
            #expect(try await tree.answer("alice").pid == before.pids["alice"])
            for name in ["keeper", "pathwatch"] {
                #expect(after.watcher(name)?.pid == before.watcher(name)?.pid)
            }
        }
    }

    /// Messages of the right form with impossible content: unknown users and generations, times beyond all bounds.
    @Test(arguments: ["keeper", "pathwatch", "dbwatch", "dispatch"])
    func babblingWatcherNeverEndsMaster(name: String) async throws {
        try await Tree.with {
            $0.users = ["alice": ""]
            $0.settings["databases.main-a"] = "{conninfo: \"host=127.0.0.1 port=1\"}"
            $0.settings["worker.restart"] = "{first: 1s, then: 5s}"
            let babbler = "\(Sources.path("Tests/Workers/babbler.py")) \(name) \(protocolVersion)"
            $0.replacements[name] = "#!/bin/sh\nexec /usr/bin/python3 \(babbler)\n"
        } _: { tree in
            let before = try await tree.status()
            let after = try await tree.waitUntil("\(name) has babbled four times") {
                $0.watcher(name).map { $0.restarts >= 4 } ?? false
            }
            #expect(after.master.pid == before.master.pid)
            for other in before.watchers where other.name != name {
                #expect(after.watcher(other.name)?.restarts == 0, "\(other.name)")
            }
            // It came as far as to babble.
            #expect(try await !tree.steward("events").output.contains("protocol version"))
        }
    }
}
