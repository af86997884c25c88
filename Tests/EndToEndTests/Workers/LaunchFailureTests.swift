// A launch that dies or hangs while users start: every user gets ready, none twice.

import Foundation
import Glibc
import Shared
import TestSupport
import Testing

@Suite struct LaunchFailureTests {
    struct Blows: Sendable, CustomTestStringConvertible {
        let signal: Int32
        let count: Int
        var testDescription: String { "signal \(signal), \(count) times" }
    }

    /// Every process of this tree that is launch: a worker is one, too, until its program is executed.
    private func launches(_ tree: Tree) -> [ProcessIdentity] {
        ProcessTable.withEnvironment(["STEWARD_RUNTIME": tree.runtime]).filter { process in
            let name = try? String(contentsOfFile: "/proc/\(process.pid)/comm", encoding: .utf8)
            return name == "launch\n"
        }
    }

    @Test(arguments: [Blows(signal: SIGKILL, count: 15), Blows(signal: SIGSTOP, count: 3)])
    func everybodyStartsOnce(blows: Blows) async throws {
        try await Tree.with {
            $0.users = ["alice": "", "bob": ""]
            $0.settings["worker.command"] =
                "[\(Sources.path("Tests/Workers/alone.sh")), \(Sources.path("Tests/Workers/small.py"))]"
            $0.settings["worker.restart"] = "{first: 0s, then: 50ms, cap: 500ms, loop: 100 in 10s}"
            $0.settings["worker.start_concurrency"] = "8"
        } _: { tree in
            try await tree.waitUntilReady("alice", "bob")
            var names = ["alice", "bob"]
            for blow in 1...blows.count {
                // Before the next users start: only they notice a stopped launch.
                for process in launches(tree) { kill(process.pid, blows.signal) }
                for number in 1...3 {
                    names.append("user-\(blow)-\(number)")
                    try tree.addUser(names[names.count - 1])
                }
                if let pid = try await tree.status().pids["alice"] { kill(pid, SIGKILL) }
                // A stopped launch is replaced after five seconds.
                try await eventually("another launch is there") {
                    launches(tree).contains { (try? self.state(of: $0)) != "T" }
                }
            }
            try await tree.waitUntil("all are ready", within: .seconds(120)) { report in
                names.allSatisfy { report.user($0)?.isReady == true }
            }
            try await tree.expectEachUserServed()
            #expect(!FileManager.default.fileExists(atPath: "\(tree.folder)/twice"))
            try await eventually("one launch is left") { launches(tree).count == 1 }
            let events = try await tree.steward("events")
            #expect(events.output.contains("launch: ended"), "\(events.output.suffix(2000))")
        }
    }

    private func state(of process: ProcessIdentity) throws -> String {
        let text = try String(contentsOfFile: "/proc/\(process.pid)/stat", encoding: .utf8)
        return text.split(separator: ")").last.map { String($0.dropFirst().prefix(1)) } ?? ""
    }

    /// A command that is longer than a packet may be costs that user only, and says why.
    @Test func aCommandThatIsTooLongIsTold() async throws {
        let long = (1...6).map { "V\($0): \(String(repeating: "x", count: 25_000))" }.joined(separator: ", ")
        try await Tree.with {
            $0.users = ["alice": "", "bob": "env: {V7: \(String(repeating: "x", count: 20_000))}\n"]
            $0.settings["worker.env"] = "{\(long)}"
        } _: { tree in
            try await tree.waitUntil("alice is told why") {
                $0.user("alice")?.reason?.contains("Argument list too long") == true
            }
        }
    }
}
