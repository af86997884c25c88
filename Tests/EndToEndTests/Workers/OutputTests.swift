// What the workers write, and how it is shown.

import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct OutputTests {
    /// A tree of workers that only print.
    private func withPrinters(_ users: [String: String], _ body: (Tree) async throws -> Void) async throws {
        try await Tree.with {
            $0.users = users.mapValues { "env: {\($0)}\n" }
            $0.settings["worker.command"] = "[/usr/bin/python3, \(Sources.path("Tests/Workers/printer.py"))]"
            $0.settings["worker.check"] = "{path: \"\"}"
            $0.settings["worker.heartbeat"] = "0s"
        } _: { tree in
            for user in users.keys { try await tree.waitUntilReady(user) }
            try await body(tree)
        }
    }

    @Test func logsShowTheEnd() async throws {
        try await withPrinters(["alice": "LINES: \"200\", TEXT: last", "bob": ""]) { tree in
            try await eventually("all is written") {
                try await tree.steward("logs", "alice").output.hasSuffix("last\n")
            }
            let whole = try await tree.steward("logs", "alice")
            #expect(whole.status == 0)
            #expect(whole.output == (151..<200).map { "line \($0)\n" }.joined() + "last\n")
            #expect(try await tree.steward("logs", "alice", "--lines", "2").output == "line 199\nlast\n")
            let why = try await tree.steward("why", "alice").output
            let tail = (181..<200).map { "  line \($0)\n" }.joined() + "  last\n"
            #expect(why.hasSuffix("last output, in \(tree.folder)/logs/alice.log:\n" + tail), "\(why)")

            let silent = try await tree.steward("logs", "bob")
            #expect(silent.status == 0 && silent.output.isEmpty)
            #expect(silent.errors == "steward: bob has written nothing yet\n")
            let nobody = try await tree.steward("logs", "nobody")
            #expect(nobody.status == 1)
            #expect(nobody.errors == "steward: no user nobody\n")
            #expect(try await tree.steward("logs", "alice", "--lines", "-1").status == 2)
            // No master is needed.
            try await tree.stop()
            #expect(try await tree.steward("logs", "alice", "--lines", "1").output == "last\n")
        }
    }

    @Test func followingGoesOnAcrossRotationAndRestarts() async throws {
        try await withPrinters(["alice": "TICK: \"0.05\""]) { tree in
            let path = "\(tree.folder)/logs/alice.log"
            let follower = try tree.follow("logs", "alice", "--follow", "--lines", "0")
            func ticks() throws -> [Double] {
                try follower.output.text().split(separator: "\n").compactMap { line in
                    line.hasPrefix("tick ") ? Double(line.dropFirst(5)) : nil
                }
            }
            func more() async throws {
                let before = try ticks().count
                try await eventually("more is followed") { try ticks().count > before + 3 }
            }
            try await more()
            // As full as it may be: the keeper begins it anew.
            let filler = [UInt8](repeating: 10, count: 10 << 20)
            let file = Descriptor(owning: try check("open", path) { open(path, O_WRONLY | O_APPEND | O_CLOEXEC) })
            try check("write", path) { write(file.number, filler, filler.count) }
            try await eventually("the file is renamed") { access(path + ".1", F_OK) == 0 }
            try await more()
            unlink(path)
            try await more()
            try await tree.steward("restart", "alice", "--wait")
            try await more()
            let seen = try ticks()
            #expect(seen == seen.sorted())
            #expect(follower.child.exitStatus == nil)
            follower.child.signal(SIGINT)
            _ = try await follower.child.exit()
        }
    }

    /// A worker's output must not steer the operator's terminal; into a pipe it goes as it is.
    @Test func controlCharactersAreShownOnATerminal() async throws {
        try await withPrinters(["alice": "TEXT: \"\\e]0;owned\\a\\e[2J\""]) { tree in
            let raw = "\u{1B}]0;owned\u{07}\u{1B}[2J\n"
            try await eventually("it is written") { try await tree.steward("logs", "alice").output == raw }
            for command in ["logs", "why"] {
                let shown = try await onTerminal(tree, command, "alice")
                #expect(shown.contains("\\u001B]0;owned\\u0007\\u001B[2J"), "\(shown)")
                #expect(!shown.contains("\u{1B}") && !shown.contains("\u{07}"))
            }
        }
    }

    /// Runs the command with a terminal as its standard output: script(1) makes one.
    private func onTerminal(_ tree: Tree, _ arguments: String...) async throws -> String {
        let command = (["\(tree.binaries)/steward", "--config", tree.configuration] + arguments).joined(separator: " ")
        let result = try await CommandResult.of("/usr/bin/script", ["-qec", command, "/dev/null"])
        #expect(result.status == 0)
        return result.output
    }

    /// A flood is cut, and costs the others nothing that they would notice.
    @Test func aFloodIsBounded() async throws {
        try await withPrinters(["flood": "FLOOD: \"1\"", "calm": "TICK: \"0.05\""]) { tree in
            let folder = "\(tree.folder)/logs"
            try await eventually("what is dropped is counted") {
                try await tree.steward("logs", "flood", "--lines", "20000").output.contains("\n[steward: dropped ")
            }
            let before = try await tree.steward("logs", "calm", "--lines", "1").output
            try await eventually("the calm one is still written") {
                try await tree.steward("logs", "calm", "--lines", "1").output != before
            }
            let size = try FileManager.default.attributesOfItem(atPath: "\(folder)/flood.log")[.size] as? Int ?? 0
            #expect(size <= 10 << 20)
            let pid = try #require(try await tree.status().pids["flood"])
            kill(pid, SIGKILL)
            try await tree.waitUntilReplaced("flood", pid)
        }
    }

    /// A full disk stops no worker; what is lost is counted in the file once there is room again.
    @Test func aFullDiskLosesOnlyOutput() async throws {
        guard let disk = try SmallDisk(kibibytes: 64) else { return }
        defer { disk.remove() }
        try await Tree.with {
            $0.users = ["alice": ""]
            $0.settings["logs"] = disk.path
            $0.settings["worker.command"] = "[/usr/bin/python3, \(Sources.path("Tests/Workers/printer.py"))]"
            $0.settings["worker.env"] = "{LINES: \"2000\", TICK: \"0.02\"}"
            $0.settings["worker.check"] = "{path: \"\"}"
            $0.settings["worker.heartbeat"] = "0s"
        } _: { tree in
            let pid = try await tree.waitUntilReady("alice").pids["alice"]
            try disk.fill()
            let log = "\(disk.path)/alice.log"
            try await eventually("the loss is told in master's log") {
                try String(contentsOfFile: tree.log, encoding: .utf8).contains("No space left on device")
            }
            try disk.free()
            try await eventually("the loss is counted") {
                try String(contentsOfFile: log, encoding: .utf8).contains("s: No space left on device]\ntick ")
            }
            #expect(try await tree.status().pids["alice"] == pid)
        }
    }
}
