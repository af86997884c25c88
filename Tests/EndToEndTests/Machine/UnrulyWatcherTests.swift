// Watchers that live and are out of order: each is ended, the next one is given everything, no worker notices.

import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@Suite struct UnrulyWatcherTests {
    enum Way: String, CaseIterable, Sendable {
        case flood, half, closed, garbage, hello

        /// Why master ends this watcher.
        var cause: String {
            switch self {
            case .flood: "floods: more than"
            case .half: "silent for"
            case .closed: "the channel was closed by the other side"
            case .garbage: "frame of 4294967295 bytes"
            case .hello: "speaks protocol version"
            }
        }

        /// That of its hello.
        var version: UInt32 { self == .hello ? protocolVersion + 1 : protocolVersion }
    }

    /// The second and the third of this watcher's processes are out of order.
    @Test(arguments: WatcherFailureTests.Watcher.allCases, Way.allCases)
    func itIsReplacedUntilOneIsInOrder(watcher: WatcherFailureTests.Watcher, way: Way) async throws {
        if watcher == .dbwatch {
            try await PostgreSQL.with { try await play(watcher, way, $0) }
        } else {
            try await play(watcher, way, nil)
        }
    }

    private func play(
        _ watcher: WatcherFailureTests.Watcher, _ way: Way, _ server: PostgreSQL?
    ) async throws {
        let unruly = "\(Sources.path("Tests/Workers/unruly.py")) \(watcher) \(way) \(way.version)"
        let program = "\(try Executables.folder())/\(watcher)"
        try await Tree.with {
            $0.users = ["alice": "", "bob": ""]
            $0.settings["worker.check"] = "{path: /healthz, interval: 200ms, timeout: 400ms, fall: 3}"
            $0.settings["worker.stop_timeout"] = "1s"
            if let server { $0.useDatabase("main-a", server) }
            $0.replacements["\(watcher)"] = """
                #!/bin/sh
                case $STEWARD_WATCHER in
                2 | 3) exec /usr/bin/python3 \(unruly) ;;
                *) exec \(program) ;;
                esac

                """
        } _: { tree in
            let before = try await tree.waitUntilReady("alice", "bob")
            let load = tree.load("alice") { $0.connections = 1 }
            Glibc.kill(try #require(before.watcher("\(watcher)")?.pid), SIGKILL)
            let after = try await tree.waitUntil("one in order is there") { report in
                report.watcher("\(watcher)").map { $0.state == "up" && $0.restarts == 3 } ?? false
            }
            #expect(after.master.pid == before.master.pid)
            #expect(after.pids == before.pids)
            for other in before.watchers where other.name != "\(watcher)" {
                #expect(after.watcher(other.name)?.pid == other.pid)
            }
            let events = try await tree.steward("events").output
            // The watcher that was killed is also said to have closed its channel.
            #expect(events.components(separatedBy: way.cause).count - 1 >= 2, "\(events)")
            #expect(events.contains("protocol version") == (way == .hello), "\(events)")
            try await load.expectNoneFailed()
            try await watcher.expectWork(tree, server)
            #expect(try await tree.status().pids["alice"] == before.pids["alice"])
        }
    }
}
