// The configuration: what good files mean, and the one line that each bad one costs.

import Glibc
import Testing

@testable import Shared
@testable import SharedSystem

@Suite struct ConfigurationTests {
    private func read(_ text: String, folder: String = "/etc/steward") throws -> Configuration {
        try Configuration(text: text, file: "s.yaml", folder: folder)
    }

    private func error(_ text: String, folder: String = "/etc/steward") -> String {
        do {
            _ = try read(text, folder: folder)
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    @Test func everyKeyButUsersHasADefault() throws {
        let configuration = try read("users: ./users\n")
        var expected = Configuration()
        expected.users = "/etc/steward/users"
        expected.runtime = "/etc/steward/run"
        expected.state = "/etc/steward/state"
        expected.logs = "/etc/steward/logs"
        #expect(configuration == expected)
        #expect(configuration.worker.command == ["python3", "app.py"])
        #expect(configuration.worker.readyTimeout == .seconds(60))
        #expect(configuration.worker.check.path == "/healthz")
        #expect(configuration.socketMode == 0o660)
    }

    @Test func everyKeyIsRead() throws {
        let configuration = try read(
            """
            users: /srv/users/
            runtime: ../run//x/.
            state: /var/lib/steward
            logs: logs
            run_as: steward
            socket: {group: www-data, mode: 0640}
            control: {group: steward, operators: wheel}
            worker:
              command: [/usr/bin/python3, "{package}/app.py", 8080]
              ready_timeout: 1m
              stop_timeout: 0s
              heartbeat: 1.5s
              swap: stop-first
              restart: {first: 10ms, then: 1s, factor: 1.5, cap: 1h, jitter: 0, reset_after: 2m, loop: 3 in 10s}
              check: {path: "", interval: 250ms, timeout: 1s, fall: 1, rise: 2}
              start_concurrency: 7
              limits: {memory: 1G, files: 4096, core: 64K, nice: 3}
              env: {PORT: 8080, LC_ALL: C.UTF-8, FLAG: true, EMPTY: ""}
            databases:
              main-a: {conninfo: "host=127.0.0.1 dbname=a", group: main}
              main-b: {conninfo: "host=127.0.0.1 dbname=b", group: main}
              lone: {conninfo: postgres://x}
            database_check:
              {interval: 2s, timeout: 3s, fall: 4, rise: 5, writable: false, login_interval: 6s, move_after: 7s}
            packages: ../packages
            upgrade: {free: on-restart, canary: 0, parallel: 9, max_failures: 3, soak: 1m}
            deletion_fuse: {users: 7, share: 0.25}
            """)
        #expect(configuration.users == "/srv/users")
        #expect(configuration.runtime == "/etc/run/x")
        #expect(configuration.state == "/var/lib/steward")
        #expect(configuration.logs == "/etc/steward/logs")
        #expect(configuration.runAs == "steward")
        #expect(configuration.socketGroup == "www-data")
        #expect(configuration.socketMode == 0o640)
        #expect(configuration.control.group == "steward")
        #expect(configuration.control.operators == "wheel")
        let worker = configuration.worker
        #expect(worker.command == ["/usr/bin/python3", "{package}/app.py", "8080"])
        #expect(worker.readyTimeout == .seconds(60))
        #expect(worker.stopTimeout == .zero)
        #expect(worker.heartbeat == .milliseconds(1500))
        #expect(worker.swap == .stopFirst)
        #expect(worker.restart.first == .milliseconds(10))
        #expect(worker.restart.then == .seconds(1))
        #expect(worker.restart.factor == 1.5)
        #expect(worker.restart.cap == .seconds(3600))
        #expect(worker.restart.jitter == 0)
        #expect(worker.restart.resetAfter == .seconds(120))
        #expect(worker.restart.loopDeaths == 3)
        #expect(worker.restart.loopWindow == .seconds(10))
        #expect(worker.check.path.isEmpty)
        #expect(worker.check.interval == .milliseconds(250))
        #expect(worker.check.rise == 2)
        #expect(worker.startConcurrency == 7)
        #expect(worker.limits.memory == 1 << 30)
        #expect(worker.limits.files == 4096)
        #expect(worker.limits.core == 64 << 10)
        #expect(worker.limits.nice == 3)
        #expect(worker.env == ["PORT": "8080", "LC_ALL": "C.UTF-8", "FLAG": "true", "EMPTY": ""])
        #expect(configuration.databases.map(\.name) == ["main-a", "main-b", "lone"])
        #expect(configuration.databases.map(\.group) == ["main", "main", nil])
        #expect(configuration.databases[2].conninfo == "postgres://x")
        #expect(configuration.databaseCheck.loginInterval == .seconds(6))
        #expect(configuration.packages == "/etc/packages")
        #expect(configuration.pathSettings.packages == "/etc/packages")
        #expect(configuration.upgrade.free == .onRestart)
        #expect(configuration.upgrade.canary == 0)
        #expect(configuration.upgrade.parallel == 9)
        #expect(configuration.upgrade.maxFailures == 3)
        #expect(configuration.upgrade.soak == .seconds(60))
        #expect(configuration.deletionFuse.users == 7)
        #expect(configuration.deletionFuse.share == 0.25)
        #expect(!configuration.databaseCheck.writable)
        #expect(configuration.moveAfter == .seconds(7))
        #expect(configuration.pathSettings.databases == ["main-a", "main-b", "lone", "main"])
        #expect(configuration.pathSettings.users == "/srv/users")
    }

    @Test func nullMeansTheDefault() throws {
        let nothing = try read(
            "users: u\nworker: {check: null, restart: ~, limits: {files: }}\nrun_as: null\nsocket:\n")
        #expect(try nothing == read("users: u"))
        #expect(try read("users: u\nworker: {start_concurrency: auto}") == read("users: u"))
    }

    @Test func byteOrderMarksAndWindowsLinesAreTaken() throws {
        #expect(try read("\u{FEFF}users: u\r\nrun_as: a\r\n").runAs == "a")
    }

    @Test(arguments: [
        ("users: u\nwroker: {}", "s.yaml:2:1: unknown key 'wroker', the nearest known one is 'worker'"),
        ("users: u\nworker: {chek: {}}", "s.yaml:2:10: worker: unknown key 'chek', the nearest known one is 'check'"),
        ("users: u\npakages: ./p", "s.yaml:2:1: unknown key 'pakages', the nearest known one is 'packages'"),
        ("", "s.yaml:1:1: the key 'users' is missing"),
        ("# nothing\n", "s.yaml:1:1: the key 'users' is missing"),
        ("runtime: r", "s.yaml:1:1: the key 'users' is missing"),
        ("users:", "s.yaml:1:1: the key 'users' is missing"),
        ("users: [a]", "s.yaml:1:8: users: found a list, expected a text"),
        ("users: ''", "s.yaml:1:8: users: found '', expected a path"),
        ("- users", "s.yaml:1:1: found a list, expected a map"),
        ("users", "s.yaml:1:1: found a text, expected a map"),
        ("users: a\nusers: b", "s.yaml:2:1: 'users' is given more than once"),
        ("users: u\nworker: {env: {A: 1, A: 2}}", "s.yaml:2:22: 'A' is given more than once"),
        ("users: u\n? [a]\n: b", "s.yaml:2:3: found a list, expected a key"),
        ("users: a\n---\nusers: b", "s.yaml:3:1: not valid YAML: a second document"),
        ("users: {a", "s.yaml:2:1: not valid YAML: did not find expected ',' or '}' while parsing a flow mapping"),
        ("users: u\n\tworker: x", "s.yaml:2:1: not valid YAML: found a tab character that violates indentation"),
        ("users: \"a\u{1}\"", "s.yaml:1:10: not valid YAML: control characters are not allowed"),
        ("users: \"a\\0b\"", "s.yaml:1:8: users: found 'a\\0b', expected a text without NUL"),
        ("users: *nobody", "s.yaml:1:8: not valid YAML: found undefined alias"),
    ])
    func shapes(_ text: String, _ expected: String) {
        #expect(error(text).hasPrefix(expected), "\(error(text))")
    }

    @Test(arguments: [
        ("ready_timeout: 10", "worker.ready_timeout: found '10', expected a duration such as 500ms, 10s, 2m or 1h"),
        ("ready_timeout: 0s", "worker.ready_timeout: found '0s', expected at least 1ms"),
        ("ready_timeout: -1s", "worker.ready_timeout: found '-1s', expected a duration such as 500ms, 10s, 2m or 1h"),
        (
            "ready_timeout: 9000h",
            "worker.ready_timeout: found '9000h', expected a duration such as 500ms, 10s, 2m or 1h"
        ),
        ("ready_timeout: {}", "worker.ready_timeout: found a map, expected a duration such as 500ms, 10s, 2m or 1h"),
        ("command: python3 app.py", "worker.command: found a text, expected a list of a program and its arguments"),
        ("command: []", "worker.command: found a list, expected a list of a program and its arguments"),
        ("command: ['']", "worker.command: found a list, expected a list of a program and its arguments"),
        ("command: [a, [b]]", "worker.command[1]: found a list, expected a text"),
        ("command: [a, null]", "worker.command[1]: found null, expected a text"),
        ("swap: both", "worker.swap: found 'both', expected overlap or stop-first"),
        ("restart: {factor: 0.5}", "worker.restart.factor: found '0.5', expected a number from 1.0 to 100.0"),
        ("restart: {factor: nan}", "worker.restart.factor: found 'nan', expected a number from 1.0 to 100.0"),
        ("restart: {jitter: 2}", "worker.restart.jitter: found '2', expected a number from 0.0 to 1.0"),
        ("restart: {cap: 100ms}", "worker.restart.cap: found '100ms', expected at least the 500ms of then"),
        ("restart: {loop: 5}", "worker.restart.loop: found '5', expected a number of deaths from 2 to 1000 and"),
        ("restart: {loop: 1 in 5s}", "worker.restart.loop: found '1 in 5s', expected a number of deaths"),
        ("restart: {loop: 5 in 0s}", "worker.restart.loop: found '5 in 0s', expected a number of deaths"),
        ("check: {path: healthz}", "worker.check.path: found 'healthz', expected a path that begins with /"),
        ("check: {path: /a b}", "worker.check.path: found '/a b', expected a path that begins with /"),
        (
            "check: {path: \"/a\\r\\nX: y\"}",
            "worker.check.path: found '/a\\r\\nX: y', expected a path that begins with /"
        ),
        ("check: {interval: 0s}", "worker.check.interval: found '0s', expected at least 1ms"),
        ("check: {fall: 0}", "worker.check.fall: found '0', expected a whole number from 1 to 1000"),
        ("check: {rise: 1.5}", "worker.check.rise: found '1.5', expected a whole number from 1 to 1000"),
        ("check: {fall: 99999999999999999999}", "worker.check.fall: found '99999999999999999999', expected a whole"),
        ("check: /healthz", "worker.check: found a text, expected a map"),
        (
            "start_concurrency: 0",
            "worker.start_concurrency: found '0', expected auto or a whole number from 1 to 10000"
        ),
        ("start_concurrency: atuo", "worker.start_concurrency: found 'atuo', expected auto or a whole number"),
        ("limits: {files: 3}", "worker.limits.files: found '3', expected a whole number from 16 to 1048576"),
        ("limits: {cpu: 1}", "worker.limits: unknown key 'cpu', the nearest known one is 'core'"),
        ("env: {1A: b}", "worker.env: found '1A', expected a name of letters, digits and _"),
        ("env: {A-B: b}", "worker.env: found 'A-B', expected a name of letters, digits and _"),
        ("env: {STEWARD_USER: b}", "worker.env: 'STEWARD_USER' is set by Steward itself"),
        ("env: {LISTEN_FDS: 1}", "worker.env: 'LISTEN_FDS' is set by Steward itself"),
        ("env: {NOTIFY_SOCKET: 1}", "worker.env: 'NOTIFY_SOCKET' is set by Steward itself"),
        ("env: {A: [secret]}", "worker.env.A: found a list, expected a text"),
        ("env: {A: }", "worker.env.A: found null, expected a text"),
        ("env: A=secret", "worker.env: found a text, expected a map"),
        ("heartbeat: 5 s", "worker.heartbeat: found '5 s', expected a duration"),
        ("heartbeat: 5\u{660}s", "worker.heartbeat: found '5\u{660}s', expected a duration"),
    ])
    func workers(_ line: String, _ expected: String) {
        // The place is checked by its line; the columns are checked above.
        let text = error("worker:\n  \(line)\nusers: u")
        #expect(text.hasPrefix("s.yaml:2:"), "\(text)")
        #expect(text.contains(": \(expected)"), "\(text)")
    }

    @Test(arguments: [
        ("socket: {mode: 0999}", "s.yaml:2:16: socket.mode: found '0999', expected octal permissions from 0 to 0777"),
        ("socket: {mode: 01777}", "s.yaml:2:16: socket.mode: found '01777', expected octal permissions from 0 to 0777"),
        ("socket: {mode: -1}", "s.yaml:2:16: socket.mode: found '-1', expected octal permissions from 0 to 0777"),
        ("socket: {group: a b}", "s.yaml:2:17: socket.group: found 'a b', expected a name of 1 to 63 of"),
        ("databases: {a/b: {conninfo: x}}", "s.yaml:2:13: databases: found 'a/b', expected a name of 1 to 63 of"),
        ("databases: {a: {}}", "s.yaml:2:16: databases.a: the key 'conninfo' is missing"),
        ("databases: {a: {conninfo: ''}}", "s.yaml:2:27: databases.a.conninfo: found '', expected keywords and values"),
        (
            "databases: {a: {conninfo: x, grup: y}}",
            "s.yaml:2:30: databases.a: unknown key 'grup', the nearest known one"
        ),
        ("databases: {a: host=x password=secret}", "s.yaml:2:16: databases.a: found a text, expected a map"),
        (
            "databases: {a: {conninfo: x, group: b}, b: {conninfo: y, group: c}}",
            "s.yaml:2:37: databases.a.group: 'b' is also a database, which is not in this group"
        ),
        (
            "database_check: {writable: yes}",
            "s.yaml:2:28: database_check.writable: found 'yes', expected true or false"
        ),
        ("packages: ''", "s.yaml:2:11: packages: found '', expected a path"),
        ("upgrade: {free: always}", "s.yaml:2:17: upgrade.free: found 'always', expected follow or stay or on-restart"),
        ("upgrade: {canary: -1}", "s.yaml:2:19: upgrade.canary: found '-1', expected a whole number from 0"),
        ("upgrade: {parallel: 0}", "s.yaml:2:21: upgrade.parallel: found '0', expected a whole number from 1"),
        ("upgrade: {max_failures: 0}", "s.yaml:2:25: upgrade.max_failures: found '0', expected a whole number from 1"),
        ("upgrade: {soak: 6}", "s.yaml:2:17: upgrade.soak: found '6', expected a duration such as"),
        ("upgrade: {soek: 6s}", "s.yaml:2:11: upgrade: unknown key 'soek', the nearest known one is 'soak'"),
        ("database_check: {fall: 0}", "s.yaml:2:24: database_check.fall: found '0', expected a whole number from 1"),
        ("database_check: {move_afte: 1s}", "s.yaml:2:18: database_check: unknown key 'move_afte', the nearest"),
        ("database_check: {move_after: soon}", "s.yaml:2:30: database_check.move_after: found 'soon', expected a dura"),
        ("deletion_fuse: {share: 2}", "s.yaml:2:24: deletion_fuse.share: found '2', expected a number"),
        ("deletion_fuse: {users: -1}", "s.yaml:2:24: deletion_fuse.users: found '-1', expected a whole number from 0"),
        ("deletion_fuse: {user: 1}", "s.yaml:2:17: deletion_fuse: unknown key 'user', the nearest"),
        (
            "runtime: /a/b/../../12345678901234567890123456789012345678901234567890123456789",
            "s.yaml:2:10: runtime: '/12345678901234567"
        ),
        ("run_as: root", "s.yaml:2:9: run_as: found 'root', expected an account other than root's"),
        ("control: {group: 'a b'}", "s.yaml:2:18: control.group: found 'a b', expected a name of 1 to 63 of"),
        ("run_as: 'a\\nb'", "s.yaml:2:9: run_as: found 'a\\nb', expected a name of 1 to 63 of"),
    ])
    func others(_ line: String, _ expected: String) {
        #expect(error("users: u\n\(line)").hasPrefix(expected), "\(error("users: u\n" + line))")
    }

    @Test func aGroupMayHaveTheNameOfItsMember() throws {
        let text = "users: u\ndatabases: {a: {conninfo: x, group: a}, b: {conninfo: y, group: a}, c: {conninfo: z}}"
        #expect(try read(text).databaseNames == ["a", "b", "c"])
    }

    @Test func theRuntimeFolderLeavesRoomForSockets() throws {
        let fitting = "/" + String(repeating: "r", count: 54)
        #expect(try read("users: u\nruntime: \(fitting)").runtime == fitting)
        let why = "too long: nginx could not reach the sockets in it"
        #expect(error("users: u\nruntime: \(fitting)xyz").hasSuffix("xyz' is 3 bytes \(why)"))
        let error = error("users: u", folder: "/" + String(repeating: "d", count: 60))
        #expect(error.hasPrefix("s.yaml:1:1: runtime: '/dddd"))
        #expect(error.hasSuffix("' is 10 bytes \(why)"))
    }

    @Test func foundValuesStayOnOneLineAndShort() {
        let text = error("users: u\nrun_as: \"" + String(repeating: "x", count: 100) + "\"")
        let shown = String(repeating: "x", count: 60) + "…"
        #expect(text.hasPrefix("s.yaml:2:9: run_as: found '\(shown)', expected"))
    }

    @Test func textsThatAreBuiltToExhaustAreRefused() {
        let deep = "users: " + String(repeating: "[", count: 16_000)
        #expect(error(deep).hasPrefix("s.yaml:"))
        #expect(
            error("users: " + String(repeating: "[", count: 20) + String(repeating: "]", count: 20)).contains("deep"))
        let bomb = (1...5).reduce("a0: &a0 [x]\n") { text, level in
            let aliases = Array(repeating: "*a\(level - 1)", count: 20).joined(separator: ", ")
            return text + "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(error(bomb).contains("more than 100000 values"))
        #expect(error("users: u\nworker: {env: {A: &a b, B: *a}}") == "no error")
    }

    @Test func anUnreadableFileIsOneLine() throws {
        let folder = try TemporaryFolder()
        func error(_ path: String) -> String {
            do {
                _ = try Configuration.read(path)
                return "no error"
            } catch {
                return "\(error)"
            }
        }
        let missing = folder.path + "/none.yaml"
        #expect(error(missing) == "\(missing): cannot be read: No such file or directory")
        #expect(error(folder.path) == "\(folder.path): cannot be read: it is not a regular file")
        let fifo = folder.path + "/fifo"
        #expect(mkfifo(fifo, 0o600) == 0)
        #expect(error(fifo) == "\(fifo): cannot be read: it is not a regular file")
        let large = try folder.write("large", String(repeating: "#", count: (1 << 20) + 1))
        #expect(error(large) == "\(large): is longer than 1048576 bytes")
        let bytes = try folder.write("bytes", [0x61, 0xFF])
        #expect(error(bytes) == "\(bytes): is not a text in UTF-8")
        let good = try folder.write("good", "users: u\nruntime: /run/x")
        #expect(try Configuration.read(good).users == folder.path + "/u")
        let link = folder.path + "/link"
        #expect(symlink(good, link) == 0)
        #expect(error(link) == "no error")
    }
}
