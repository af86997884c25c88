// The event journal: what has happened outlives the processes that saw it.

import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct JournalTests {
    private func events(_ tree: Tree) async throws -> [EventRecord] {
        try Self.events(try await tree.steward("events", "--json").output)
    }

    private static func events(_ text: String) throws -> [EventRecord] {
        try text.split(separator: "\n").map { try #require(EventRecord(line: $0.utf8), "\($0)") }
    }

    /// The file comes to hold each event once, as the command prints it.
    private func expectSameLines(_ tree: Tree, in path: String) async throws {
        try await eventually("the file holds what is printed") {
            let printed = try await tree.steward("events", "--json").output
            return try String(contentsOfFile: path, encoding: .utf8) == printed
        }
    }

    @Test func eventsSurviveTheDeathOfMaster() async throws {
        try await Tree.with(users: "alice") { tree in
            let pid = try #require(try await tree.waitUntilReady("alice").pids["alice"])
            kill(pid, SIGKILL)
            try await tree.waitUntil("alice runs again") {
                $0.user("alice").map { $0.isReady && $0.restarts == 1 } ?? false
            }
            let before = try await events(tree)
            #expect(before.map(\.serial) == Array(1...UInt64(before.count)))
            #expect(before.contains { $0.text.contains("signal 9") })

            let master = try #require(tree.master)
            master.signal(SIGKILL)
            _ = try await master.exit()
            // A crash may have torn the last line.
            let path = "\(tree.folder)/state/events.jsonl"
            try await eventually("all is written") {
                try Self.events(String(contentsOfFile: path, encoding: .utf8)).count >= before.count
            }
            let file = Descriptor(owning: try check("open", path) { open(path, O_WRONLY | O_APPEND | O_CLOEXEC) })
            try check("write", path) { write(file.number, "{\"at\":\"20", 9) }

            try tree.start()
            try await tree.waitUntilReady("alice")
            let after = try await events(tree)
            #expect(Array(after.prefix(before.count)) == before)
            #expect(after.count > before.count)
            #expect(after.map(\.serial) == Array(1...UInt64(after.count)))
            #expect(try await tree.steward("why", "alice").output.contains("signal 9"))

            try await expectSameLines(tree, in: path)
        }
    }

    @Test func eventsOutliveTheKeeper() async throws {
        try await Tree.with(users: "alice") { tree in
            try await tree.waitUntilReady("alice")
            for restarts in 1...3 {
                let keeper = try #require(try await tree.status().watchers.first { $0.name == "keeper" }?.pid)
                kill(keeper, SIGKILL)
                try await tree.steward("restart", "alice", "--wait")
                try await tree.waitUntil("the keeper is back") { report in
                    report.watchers.contains { $0.name == "keeper" && $0.state == "up" && $0.restarts == restarts }
                }
            }
            try await expectSameLines(tree, in: "\(tree.folder)/state/events.jsonl")
        }
    }

    @Test func aFullDiskMakesThemWait() async throws {
        try await Tree.withSmallDisk(as: "state") { tree, disk in
            try await tree.waitUntilReady("alice")
            try disk.fill()
            for _ in 1...20 { try await tree.steward("restart", "alice", "--wait") }
            #expect(try await tree.status().user("alice")?.isReady == true)
            try disk.free()
            try await expectSameLines(tree, in: "\(disk.path)/events.jsonl")
        }
    }
}
