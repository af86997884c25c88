// What accounts and groups may do, on a real tree.

import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct AccountTests {
    @Test func rootIsNoAccountForWorkers() async throws {
        try await Tree.with(users: "alice") { tree in
            let before = try await tree.waitUntilReady("alice").pids
            try tree.modifyUser("alice", "plan: paid\nrun_as: root\n")
            let report = try await tree.waitUntil("the fault is told") { $0.user("alice")?.reason != nil }
            let reason = report.user("alice")?.reason
            #expect(reason?.contains("user.yaml:2:9: run_as: found 'root', expected an account other") == true)
            #expect(report.pids == before)
        }
    }

    /// The socket's group may ask; root, master's account and operators may change things.
    @Test func whoMayUseTheControlSocket() async throws {
        guard geteuid() == 0 else { return print("the control socket is not tried: only root can change accounts") }
        try await Tree.with {
            $0.users = ["alice": ""]
            $0.settings["control"] = "{group: games, operators: daemon}"
        } _: { tree in
            try check("chmod", tree.folder) { chmod(tree.folder, 0o755) }
            try await tree.waitUntilReady("alice")
            let stranger = try await steward(tree, groups: "nogroup", "status")
            #expect(stranger.status == 3, "\(stranger)")
            #expect(try await steward(tree, groups: "daemon", "status").status == 3, "operators have to be of both")
            #expect(try await steward(tree, groups: "games", "status").output.contains("alice"))
            let reader = try await steward(tree, groups: "games", "hold", "alice")
            #expect(reader.status == 1)
            #expect(reader.errors.contains("only root, the account of master and operators may do that"))
            #expect(try await steward(tree, groups: "games,daemon", "restart", "alice").status == 0)
            #expect(try await tree.steward("restart", "alice").status == 0)
        }
    }

    private func steward(_ tree: Tree, groups: String, _ arguments: String...) async throws -> CommandResult {
        try await nobody(in: groups, ["\(tree.binaries)/steward", "--config", tree.configuration] + arguments)
    }

    /// nginx is let in by its group; other accounts are not.
    @Test func whoMayConnectToAUsersSocket() async throws {
        guard geteuid() == 0 else { return print("users' sockets are not tried: only root can change accounts") }
        try await Tree.with {
            $0.users = ["alice": ""]
            $0.settings["socket"] = "{group: games, mode: 0660}"
        } _: { tree in
            try check("chmod", tree.folder) { chmod(tree.folder, 0o755) }
            try await tree.waitUntilReady("alice")
            let request = [
                "/usr/bin/curl", "--silent", "--unix-socket", "\(tree.runtime)/users/alice.sock", "http://alice/",
            ]
            #expect(try await nobody(in: "games", request).output.contains("alice"))
            // 7: failed to connect.
            #expect(try await nobody(in: "daemon", request).status == 7)
            // The keeper answers on sockets of the same kind.
            #expect(try await tree.steward("hold", "alice", "--wait").status == 0)
            #expect(try await nobody(in: "games", request).output.isEmpty == false)
            #expect(try await nobody(in: "daemon", request).status == 7)
        }
    }

    /// Runs a command as nobody with these groups beside its own.
    private func nobody(in groups: String, _ command: [String]) async throws -> CommandResult {
        try await CommandResult.of(
            "/usr/bin/setpriv", ["--reuid=nobody", "--regid=nogroup", "--groups=\(groups)"] + command)
    }
}
