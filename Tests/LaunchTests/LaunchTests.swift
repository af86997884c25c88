// launch beside a test in master's place: what a start does, and what no packet can do to it.

import CLinux
import Foundation
import Glibc
import Policy
import Shared
import SharedSystem
import TestSupport
import Testing

@testable import master

extension LaunchAnswer {
    /// An errno value, or 0 where the start was not refused.
    fileprivate var refusal: Int32 {
        guard case .failed(let error) = content else { return 0 }
        return error
    }
}

@Suite struct LaunchTests {
    @Test func aStartIsAChildOfWhoeverStartedLaunch() async throws {
        let launch = try LaunchProcess()
        let script = "echo $NAME $LISTEN_PID $$ $PWD $0; ps -o sid= -o ppid= -p $$; exit 3"
        let process = try await launch.start(["sh", "-c", script], env: ["NAME": "alice"])
        #expect(process.executionFailure == nil)
        let words = try await process.text().split(whereSeparator: \.isWhitespace).map(String.init)
        let pid = "\(process.pid)"
        #expect(words == ["alice", pid, pid, "/tmp", "/usr/bin/sh", pid, "\(getpid())"])
        #expect(try await process.exitStatus() == 3)
    }

    /// launch knows it nearly always: it does not where a tick (10 ms) ends just then.
    @Test func itsStartTimeIsThatOfTheKernel() async throws {
        let launch = try LaunchProcess()
        var known = 0
        for _ in 1...20 {
            let process = try await launch.start(["sleep", "600"])
            if let startTime = process.startTime {
                #expect(startTime == ProcessFiles.startTime(of: process.pid))
                known += 1
            }
            _ = clinux_pidfd_signal(process.pidfd.number, SIGKILL)
            #expect(try await process.exitStatus() == -SIGKILL)
        }
        #expect(known > 0)
    }

    @Test func itsAccountIsAllThatItHas() async throws {
        guard geteuid() == 0 else {
            print("skipped: only root may change the account")
            return
        }
        let launch = try LaunchProcess()
        let script = "echo $(id -un) $(id -Gn) $USER $HOME; env | cut -d= -f1 | sort; ls /proc/self/fd"
        let process = try await launch.start(["bash", "-c", script], env: ["NAME": "alice"], account: "nobody")
        #expect(process.executionFailure == nil)
        let words = try await process.text().split(whereSeparator: \.isWhitespace).map(String.init)
        let variables = ["HOME", "LISTEN_PID", "LOGNAME", "NAME", "PATH", "PWD", "SHLVL", "USER", "_"]
        // The last of its descriptors is the folder that ls reads.
        #expect(
            words == ["nobody", "nogroup", "nobody", "/nonexistent"] + variables + ["0", "1", "2", "3", "4"])
        #expect(try await process.exitStatus() == 0)
    }

    @Test(
        arguments: [
            (LimitSettings.unlimited, 0, false, "unlimited 77 0"), (4096, 7, false, "4 77 7"),
            (0, 7, true, "0 77 17"), (0, 19, true, "0 77 19"),
        ] as [(Int, Int, Bool, String)])
    func itsLimitsAreSet(core: Int, nice: Int, gently: Bool, line: String) async throws {
        var mayHaveAnyCore = rlimit()
        getrlimit(__rlimit_resource_t(4), &mayHaveAnyCore)
        guard core != LimitSettings.unlimited || mayHaveAnyCore.rlim_max == rlim_t.max || geteuid() == 0 else {
            print("skipped: only root may raise the limit of core dumps")
            return
        }
        let launch = try LaunchProcess()
        let script = "echo $(ulimit -c) $(ulimit -n) $(nice)"
        let process = try await launch.start(["bash", "-c", script], gently: gently) {
            $0.limits.core = core
            $0.limits.files = 77
            $0.limits.nice = nice
        }
        #expect(process.executionFailure == nil)
        #expect(try await process.text() == "\(line)\n")
        #expect(try await process.exitStatus() == 0)
    }

    @Test(arguments: [
        (["/nonexistent/program"], nil, "/tmp", "cannot execute /nonexistent/program: No such file or directory"),
        (["no-such-program"], nil, "/tmp", "program no-such-program: No such file or directory"),
        (["true"], nil, "/nonexistent", "folder /nonexistent: No such file or directory"),
        (["true"], "no-such-account", "/tmp", "account no-such-account: No such file or directory"),
        (["true"], "root", "/tmp", "account root: Operation not permitted"),
    ])
    func whatFailsIsToldByOneLine(command: [String], account: String?, folder: String, line: String) async throws {
        let launch = try LaunchProcess()
        let process = try await launch.start(command, account: account) { $0.folder = folder }
        #expect(process.executionFailure == line)
        #expect(try await process.exitStatus() == 127)
    }

    /// A process that can no longer be reported never runs its program.
    @Test func whoCannotTellNeverRuns() async throws {
        let launch = try LaunchProcess()
        launch.process.signal(SIGSTOP)
        let output = try launch.ask(["echo", "runs"])
        shutdown(try #require(launch.channel).number, Int32(SHUT_RD))
        launch.process.signal(SIGCONT)
        #expect(try await content(of: output).isEmpty)
        launch.close()
        #expect(try await launch.process.exit() == 0)
    }

    /// A start that waits delays no other, and holds nothing of the others open. Here it waits for a program that this
    /// test has a lease on (fcntl(2)): opening that file waits until the lease is given up, 45 s at most. In that time
    /// it is stopped, for as long as the test takes.
    @Test func aStartThatWaitsDelaysNoOther() async throws {
        let launch = try LaunchProcess()
        let folder = try TemporaryFolder()
        signal(SIGIO, SIG_IGN)
        let paths = (1...4).map { "\(folder.path)/program-\($0)" }
        var leases: [Descriptor] = []
        var outputs: [Descriptor] = []
        var pids: [Int32] = []
        for path in paths {
            try "#!/bin/sh\necho runs\n".write(toFile: path, atomically: false, encoding: .utf8)
            chmod(path, 0o700)
            let file = Descriptor(owning: try check("open", path) { open(path, O_RDONLY | O_CLOEXEC) })
            // 1024 is F_SETLEASE, which Swift's Glibc lacks. A process that another test makes at this moment may hold a
            // copy of the descriptor with which the file was written.
            try await eventually("a lease on \(path)") { fcntl(file.number, 1024, Int32(F_WRLCK)) == 0 }
            leases.append(file)
        }
        for path in paths {
            outputs.append(try launch.ask([path]))
            guard case .made(let pid, _, _) = try launch.answerAtOnce().content else { throw TreeError("not made") }
            kill(pid, SIGSTOP)
            pids.append(pid)
        }
        let process = try await launch.start(["echo", "at once"])
        #expect(try await process.text() == "at once\n")
        #expect(try await process.exitStatus() == 0)
        leases = []
        for pid in pids { kill(pid, SIGCONT) }
        for output in outputs { #expect(try await content(of: output) == "runs\n") }
        for _ in paths {
            guard case .executed(nil) = try await launch.answer().content else { throw TreeError("not executed") }
        }
        for pid in pids {
            try await eventually("process \(pid) ends") {
                var status: Int32 = 0
                return clinux_wait(pid, 0, &status) == 0
            }
        }
    }

    @Test func theEndOfItsChannelIsItsEnd() async throws {
        let launch = try LaunchProcess()
        let process = try await launch.start(["sleep", "600"])
        launch.close()
        #expect(try await launch.process.exit() == 0)
        // The processes that it has started run on.
        #expect(ProcessIdentity(process.pid) != nil)
        _ = clinux_pidfd_signal(process.pidfd.number, SIGKILL)
        #expect(try await process.exitStatus() == -SIGKILL)
    }

    @Test func byHandItSaysWhatItIs() async throws {
        let result = try await CommandResult.of("\(try Executables.folder())/launch", [])
        #expect(result.status == 2)
        #expect(result.errors.split(separator: "\n").count == 1)
    }

    // MARK: hostile packets

    /// A request as it should be, but for these fields.
    private func packet(words: UInt32 = 1, variables: UInt32 = 0, strings: String = "\0/tmp\0true\0") -> [UInt8] {
        var bytes: [UInt8] = []
        for field in [7, 0] as [UInt64] { withUnsafeBytes(of: field) { bytes += $0 } }
        for field in [1024, 0, words, variables] { withUnsafeBytes(of: field) { bytes += $0 } }
        return bytes + Array(strings.utf8)
    }

    @Test func aHostilePacketCostsThatStartOnly() async throws {
        let launch = try LaunchProcess()
        let nothing = try Scratch.nothing()
        #expect(try await launch.start(["true"]).exitStatus() == 0)
        let before = launch.openFiles
        let good = packet()
        let faulty: [[UInt8]] = [
            [1], Array(good.prefix(7)), Array(good.prefix(8)), Array(good.prefix(24)), Array(good.prefix(32)),
            Array(good.dropLast()),
            packet(words: 0), packet(words: 2), packet(words: .max, variables: .max), packet(variables: .max),
            packet(variables: 1, strings: "\0/tmp\0true\0NAME\0"), packet(words: 1, strings: "\0/tmp\0\0"),
            packet(strings: "\0\0\0\0\0\0"), packet(strings: "true\0"),
            good + [UInt8](repeating: 65, count: LaunchRequest.longest),
        ]
        for bytes in faulty {
            try await launch.send(bytes, [nothing, nothing])
            let refusal = try await launch.answer().refusal
            #expect([EBADMSG, EMSGSIZE].contains(refusal), "\(bytes.prefix(40))")
        }
        for count in [0, 1, 3, 4, 16] {
            try await launch.send(good, [Descriptor](repeating: nothing, count: count))
            #expect(try await launch.answer().refusal == EBADMSG)
        }
        #expect(launch.openFiles == before)
        #expect(try await launch.start(["true"]).exitStatus() == 0)
    }

    @Test func noiseIsRefused() async throws {
        let launch = try LaunchProcess()
        let nothing = try Scratch.nothing()
        #expect(try await launch.start(["true"]).exitStatus() == 0)
        let before = launch.openFiles
        var chance = SplitMix64(seed: 1)
        for _ in 0..<1000 {
            let bytes = (0..<(1 + Int(chance.next() % 200))).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
            try await launch.send(bytes, [nothing, nothing])
            #expect(try await launch.answer().refusal == EBADMSG)
        }
        #expect(launch.openFiles == before)
        #expect(try await launch.start(["true"]).exitStatus() == 0)
    }
}
