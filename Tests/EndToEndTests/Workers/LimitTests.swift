// What workers may use, on real processes.

import Foundation
import Glibc
import Shared
import TestSupport
import Testing

@Suite struct LimitTests {
    /// A worker that takes too much is replaced while it serves; what its children take counts.
    @Test(arguments: ["grow", "breed"])
    func tooMuchMemoryMeansASwap(how: String) async throws {
        try await Tree.with {
            $0.users = ["alice": "limits: {memory: 200M}\n", "bob": ""]
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "bob").pids
            let load = tree.load("alice")
            try await load.more(20)
            #expect(await tree.get("alice", "/?\(how)=300").status == 200)
            #expect(await tree.get("bob", "/?\(how)=300").status == 200)
            let after = try await tree.waitUntilReplaced("alice", before["alice"])
            try await load.expectNoneFailed(after: 20)
            #expect(after.user("alice")?.restarts == 0)
            #expect(after.pids["bob"] == before["bob"])
            let events = try await tree.steward("events", "--user", "alice").output
            #expect(events.contains("too much memory: 200 MiB allowed, "), "\(events)")
        }
    }

    @Test func coreDumpsFilesAndNiceValueAreSet() async throws {
        try await Tree.with {
            $0.users = ["alice": "limits: {core: 8K, files: 200, nice: 5}\n", "bob": ""]
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "bob").pids
            let alice = try #require(before["alice"])
            #expect(try limit(of: alice, "Max core file size") == ["8192", "8192"])
            #expect(try limit(of: alice, "Max open files") == ["200", "200"])
            #expect(niceValue(alice) == 5)
            let bob = try #require(before["bob"])
            #expect(try limit(of: bob, "Max core file size") == ["0", "0"])
            #expect(try limit(of: bob, "Max open files") == ["1024", "1024"])
            try tree.modifyUser("alice", "limits: {core: 8K, files: 200, nice: 6}\n")
            let after = try await tree.waitUntilReplaced("alice", alice)
            #expect(niceValue(try #require(after.pids["alice"])) == 6)
            #expect(after.pids["bob"] == bob)
        }
    }

    private func niceValue(_ pid: Int32) -> Int32 { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(pid)) }

    /// Soft and hard, as /proc/PID/limits tells them.
    private func limit(of pid: Int32, _ name: String) throws -> [String] {
        let text = try String(contentsOfFile: "/proc/\(pid)/limits", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name) })
        return line.dropFirst(name.count).split(separator: " ").prefix(2).map(String.init)
    }
}
