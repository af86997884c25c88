// Each watcher run by hand, beside a tree that runs: it prints what it would report, and changes nothing.

import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct ByHandTests {
    @Test func pathwatchPrintsUsers() async throws {
        try await Tree.with(users: "alice") { tree in
            let hand = try tree.start("pathwatch", ["--config", tree.configuration])
            try await expectLine(of: hand) { $0.contains("adduser") && $0.contains("alice") }
            try tree.addUser("bob", "plan: gold\n")
            try await expectLine(of: hand) { $0.contains("user.yaml:1:7") && $0.contains("bob") }
            try tree.deleteUser("alice")
            try await expectLine(of: hand) { $0.contains("deluser") && $0.contains("alice") }
            try await end(hand)
        }
    }

    @Test func dispatchPrintsVerdicts() async throws {
        try await Tree.with(users: "alice") { tree in
            let pid = try #require(try await tree.waitUntilReady("alice").pids["alice"])
            let socket = "\(tree.runtime)/users/alice.sock"
            let hand = try tree.start("dispatch", ["--check", socket, "--interval", "100ms", "--timeout", "300ms"])
            try await expectLine(of: hand) { $0.contains("passed 200") }
            kill(pid, SIGSTOP)
            try await expectLine(of: hand) { $0.contains("timeout") }
            kill(pid, SIGCONT)
            try await end(hand)
        }
    }

    @Test func dbwatchPrintsStates() async throws {
        try await PostgreSQL.with { server in
            try await Tree.with {
                $0.users = ["alice": ""]
                $0.useDatabase("main-a", server)
            } _: { tree in
                let hand = try tree.start("dbwatch", ["--config", tree.configuration])
                try await expectLine(of: hand) { $0.contains("main-a") && $0.contains("available") }
                try await server.stop(.fast)
                try await expectLine(of: hand) { $0.contains("main-a") && $0.contains("unavailable") }
                try await end(hand)
            }
        }
    }

    private func expectLine(
        of hand: (child: Child, output: Scratch), _ isWanted: (Substring) -> Bool
    ) async throws {
        do {
            try await eventually("\(hand.child.name) prints what is awaited") {
                try hand.output.text().split(separator: "\n").contains(where: isWanted)
            }
        } catch let error as NotInTime {
            throw TreeError("\(error), but:\n\(try hand.output.text())")
        }
    }

    private func end(_ hand: (child: Child, output: Scratch)) async throws {
        hand.child.signal(SIGTERM)
        _ = try await hand.child.exit(within: .seconds(5))
    }
}
