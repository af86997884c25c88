// The built pathwatch on real folders: one scenario each.

import Foundation
import Testing

@testable import Shared
@testable import SharedSystem
@testable import pathwatch

@Suite struct PathwatchTests {
    private func start(_ fixture: UsersFixture, _ databases: [String] = []) async throws -> PathwatchProcess {
        let process = try PathwatchProcess()
        try process.send(fixture.users, databases)
        try await process.wait("the snapshot") { process.snapshots == 1 }
        return process
    }

    @Test func theSnapshotReportsEverybodyOnce() async throws {
        let fixture = try UsersFixture()
        try fixture.add("alice", "plan: paid\ndatabase: main\nenv: {A: b}")
        try fixture.add("bob", "")
        try fixture.add("eve", "plan: gold")
        try fixture.add("Mallory", "")
        try fixture.add(".hidden", "")
        mkdir(fixture.users + "/nobody", 0o755)
        try fixture.write("", to: fixture.users + "/file")
        let process = try await start(fixture, ["main"])
        let alice = fixture.name("alice")
        #expect(process.users.keys.map(\.text).sorted() == ["alice", "bob"])
        #expect(process.users[alice]?.folder == fixture.users + "/alice")
        #expect(process.users[alice]?.plan == .paid)
        #expect(process.users[alice]?.env == ["A": "b"])
        #expect(process.users[alice]?.start == 0)
        let fault = "\(fixture.users)/eve/user.yaml:1:7: plan: found 'gold', expected paid or free"
        #expect(process.faults == [fixture.name("eve"): fault])
        #expect(process.reports.last == .complete)
        #expect(process.reports.count == 4)
    }

    @Test func newOrdersBeginANewSnapshot() async throws {
        let fixture = try UsersFixture()
        try fixture.add("alice", "database: main")
        let process = try await start(fixture, ["other"])
        #expect(process.users.isEmpty)
        #expect(process.faults.count == 1)
        try process.send(fixture.users, ["main"])
        try await process.wait("the second snapshot") { process.snapshots == 2 }
        guard case .adduser = process.reports.dropLast().last else {
            Issue.record("\(process.reports)")
            return
        }
    }

    @Test func aFaultChangesNothingAndAGoodFileEndsIt() async throws {
        let fixture = try UsersFixture()
        try fixture.add("alice", "plan: paid")
        let process = try await start(fixture)
        let alice = fixture.name("alice")
        try fixture.write("plan: gold", to: fixture.file("alice"))
        try await process.wait("the fault") { process.faults[alice] != nil }
        #expect(process.users[alice]?.plan == .paid)
        try fixture.replace("plan: paid", at: fixture.file("alice"))
        try await process.wait("the end of the fault") { process.faults.isEmpty }
        #expect(process.reports.count { if case .moduser = $0 { true } else { false } } == 0)
        try fixture.write("plan: gold", to: fixture.file("alice"))
        try await process.wait("the fault") { process.faults[alice] != nil }
        try fixture.write("plan: free", to: fixture.file("alice"))
        try await process.wait("the change") { process.users[alice]?.plan == .free && process.faults.isEmpty }
    }

    @Test func anEditorIsNotSeenHalfway() async throws {
        let fixture = try UsersFixture()
        try fixture.add("alice", "plan: paid")
        let process = try await start(fixture)
        let alice = fixture.name("alice")
        var plan = Plan.paid
        for _ in 0..<5 {
            plan = plan == .paid ? .free : .paid
            let before = process.reports.count
            let begin = Instant.now()
            // The old file moved away, the new one truncated, and written after a while.
            try fixture.move(fixture.file("alice"), fixture.file("alice") + "~")
            usleep(2000)
            let number = open(fixture.file("alice"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
            usleep(2000)
            #expect(write(number, "plan: \(plan)", 10) == 10)
            close(number)
            let isQuick = Instant.now() - begin < Agenda.settle
            try await process.wait("the change") { process.users[alice]?.plan == plan }
            // A test that was put aside for longer than an answer has to stand proves nothing.
            if isQuick { #expect(process.reports.count == before + 1) }
        }
    }

    @Test func theExecutableStartIsPartOfTheUser() async throws {
        let fixture = try UsersFixture()
        try fixture.add("alice", "")
        let process = try await start(fixture)
        let alice = fixture.name("alice")
        let path = fixture.users + "/alice/start"
        func stamp() -> UInt64 { process.users[alice]?.start ?? 0 }
        try fixture.write("#!/bin/sh\n", to: path, mode: 0o755)
        try await process.wait("start") { stamp() != 0 }
        let first = stamp()
        try fixture.write("#!/bin/sh\nexit\n", to: path)
        try await process.wait("another start") { stamp() != first && stamp() != 0 }
        chmod(path, 0o644)
        try await process.wait("no start") { stamp() == 0 }
        chmod(path, 0o755)
        try await process.wait("start again") { stamp() != 0 }
        unlink(path)
        try await process.wait("no start again") { stamp() == 0 }
    }

    /// Beside a user.yaml that is right.
    @Test func aStartThatIsNoRegularFileIsAFaultUntilItIsGone() async throws {
        let fixture = try UsersFixture()
        try fixture.add("alice", "")
        let process = try await start(fixture)
        let alice = fixture.name("alice")
        let path = fixture.users + "/alice/start"
        for (make, expected) in [
            ({ _ = symlink("/bin/true", path) }, "it is a symbolic link"),
            ({ _ = mkfifo(path, 0o755) }, "it is not a regular file"),
            ({ _ = mkdir(path, 0o755) }, "it is not a regular file"),
        ] as [(() -> Void, String)] {
            make()
            try await process.wait("the fault") { process.faults[alice] == "\(path): cannot be read: \(expected)" }
            #expect(process.users[alice]?.start == 0)
            try fixture.remove(path)
            try await process.wait("its end") { process.faults.isEmpty }
        }
    }

    /// The writer of these files decides what root, or another account, executes.
    @Test func aFileThatTheWrongOnesMayWriteIsRefused() async throws {
        guard geteuid() == 0, let nobody = getpwnam("nobody")?.pointee.pw_uid else {
            print("the ownership of users' files is not tried: it matters to root only")
            return
        }
        let fixture = try UsersFixture()
        for name in ["alice", "bob"] { try fixture.add(name, "") }
        let process = try PathwatchProcess()
        try process.send(fixture.users, runAs: "nobody")
        try await process.wait("the snapshot") { process.snapshots == 1 }
        let alice = fixture.name("alice")
        let file = fixture.file("alice")
        let program = fixture.users + "/alice/start"
        try fixture.write("#!/bin/sh\n", to: program, mode: 0o755)
        try await process.wait("start") { process.users[alice]?.start ?? 0 != 0 }
        for path in [file, program] {
            let mode: mode_t = path == file ? 0o644 : 0o755
            for bit: mode_t in [0o020, 0o002] {
                chmod(path, mode | bit)
                try await process.wait("the fault") {
                    process.faults[alice]?.hasPrefix("\(path): may be written by others than root and nobody") == true
                }
                chmod(path, mode)
                try await process.wait("its end") { process.faults.isEmpty }
            }
            chown(path, nobody + 1, 0)
            try await process.wait("the fault") {
                process.faults[alice]?.hasSuffix("its owner is uid \(nobody + 1)") == true
            }
            chown(path, nobody, 0)
            try await process.wait("its end") { process.faults.isEmpty }
        }
        // The account of the one is not that of the other.
        chown(program, 0, 0)
        try fixture.replace("run_as: daemon\n", at: file)
        try await process.wait("the other account") { process.users[alice]?.runAs == "daemon" }
        chown(file, nobody, 0)
        try await process.wait("the fault") {
            process.faults[alice]?.contains("others than root and daemon") == true
        }
        #expect(process.users.count == 2)
    }

    @Test func aDeviceIsRefused() async throws {
        let fixture = try UsersFixture()
        try fixture.add("alice", "")
        unlink(fixture.file("alice"))
        guard mknod(fixture.file("alice"), S_IFCHR | 0o644, 0x0105) == 0 else {
            print("a device file is not tried: none can be made (\(SystemError.text(errno)))")
            return
        }
        let process = try await start(fixture)
        #expect(process.users.isEmpty)
        #expect(process.faults.count == 1)
        #expect(process.faults.values.first?.hasPrefix(fixture.file("alice") + ": cannot be read") == true)
    }

    @Test func whatIsNoRegularFileIsAFault() async throws {
        let fixture = try UsersFixture()
        for user in ["fifo", "link", "folder", "long", "bytes"] { try fixture.add(user, "") }
        unlink(fixture.file("fifo"))
        mkfifo(fixture.file("fifo"), 0o644)
        unlink(fixture.file("link"))
        symlink("/etc/passwd", fixture.file("link"))
        unlink(fixture.file("folder"))
        mkdir(fixture.file("folder"), 0o755)
        try fixture.write(String(repeating: "#", count: 32 << 10 | 1), to: fixture.file("long"))
        let process = try await start(fixture)
        func fault(_ user: String) -> String? { process.faults[fixture.name(user)] }
        #expect(process.users.keys.map(\.text) == ["bytes"])
        #expect(fault("fifo") == "\(fixture.file("fifo")): cannot be read: it is not a regular file")
        #expect(fault("link") == "\(fixture.file("link")): cannot be read: it is a symbolic link")
        #expect(fault("folder") == "\(fixture.file("folder")): cannot be read: it is not a regular file")
        #expect(fault("long") == "\(fixture.file("long")): is longer than 32768 bytes")
    }

    /// Two names of one folder have one watch number.
    @Test func linkedFoldersAreUsersToo() async throws {
        let fixture = try UsersFixture()
        let target = fixture.users + "/.target"
        mkdir(target, 0o755)
        try fixture.write("plan: paid", to: target + "/user.yaml")
        symlink(target, fixture.users + "/alice")
        symlink(".target", fixture.users + "/bob")
        symlink(fixture.root + "/nowhere", fixture.users + "/carol")
        symlink(".", fixture.users + "/self")
        let process = try await start(fixture)
        #expect(process.users.keys.map(\.text).sorted() == ["alice", "bob"])
        try fixture.write("plan: free", to: target + "/user.yaml")
        try await process.wait("both changes") { process.users.values.allSatisfy { $0.plan == .free } }
        unlink(fixture.users + "/alice")
        unlink(fixture.users + "/self")
        try await process.wait("the end of alice") { process.users.keys.map(\.text) == ["bob"] }
        try fixture.write("plan: paid", to: target + "/user.yaml")
        try await process.wait("the change of bob") { process.users.values.allSatisfy { $0.plan == .paid } }
        try fixture.add("dave", "")
        try await process.wait("dave") { process.users.count == 2 }
    }

    /// An account that may make links in the users' folder could make Steward read, and run, what lies elsewhere.
    @Test func aLinkOutOfTheUsersFolderIsRefused() async throws {
        let fixture = try UsersFixture()
        // Whatever the users' folder itself is reached by.
        try fixture.move(fixture.users, fixture.root + "/real")
        symlink("real", fixture.users)
        // A name that begins like the folder's.
        let target = fixture.root + "/real-not"
        mkdir(target, 0o755)
        try fixture.write("plan: paid", to: target + "/user.yaml")
        let alice = fixture.name("alice")
        let link = fixture.users + "/alice"
        symlink("../real-not", link)
        try fixture.add("bob", "")
        let process = try await start(fixture)
        #expect(process.users.keys.map(\.text) == ["bob"])
        #expect(process.faults[alice] == "\(link): is a symbolic link out of the users' folder: \(target)")
        unlink(link)
        symlink("bob", link)
        try await process.wait("alice by a link that stays inside") {
            process.users[alice] != nil && process.faults.isEmpty
        }
        unlink(link)
        symlink(target, link)
        try await process.wait("the fault") { process.faults[alice] != nil }
        #expect(process.users[alice]?.plan == .free, "served on as it was")
        unlink(link)
        try await process.wait("the end of alice") { process.users.keys.map(\.text) == ["bob"] }
    }

    @Test func aMissingFolderDeletesNobody() async throws {
        let fixture = try UsersFixture()
        try fixture.add("alice", "")
        try fixture.add("bob", "")
        let process = try await start(fixture)
        try fixture.move(fixture.users, fixture.root + "/away")
        // Longer than any answer has to stand; nothing can be waited for where nothing is to happen.
        try await Task.sleep(for: .milliseconds(400))
        try fixture.remove(fixture.root + "/away/bob")
        try fixture.move(fixture.root + "/away", fixture.users)
        try await process.wait("bob's end") { process.users.count == 1 }
        #expect(process.users[fixture.name("alice")] != nil)
        #expect(process.reports.count == 4)
        try await process.wait("the end of the search") { process.folders.count == 5 }
        let identity = try FolderIdentity(fixture.users)
        #expect(process.folders[2].trouble != nil)
        #expect(process.folders.filter { $0.trouble == nil }.allSatisfy { $0.identity == identity })
        #expect(process.folders.map(\.isSearched) == [false, true, false, false, true])
    }

    /// Master has to know of the replacement before it hears which users are missing.
    @Test func anotherFolderIsReportedAroundWhatIsMissingInIt() async throws {
        let fixture = try UsersFixture()
        for name in ["alice", "bob", "carol"] { try fixture.add(name, "") }
        let process = try await start(fixture)
        try await process.wait("the first search") { process.folders.count == 2 }
        let new = fixture.root + "/new"
        try FileManager.default.copyItem(atPath: fixture.users, toPath: new)
        try fixture.remove(new + "/bob")
        try fixture.move(fixture.users, fixture.root + "/old")
        try fixture.move(new, fixture.users)
        try await process.wait("the search of the new folder") {
            process.folders.last?.isSearched == true && process.folders.count > 2
        }
        #expect(process.users.keys.map(\.text).sorted() == ["alice", "carol"])
        #expect(process.folders.last?.identity == (try FolderIdentity(fixture.users)))
        #expect(process.folders.last?.identity != process.folders.first?.identity)
        #expect(process.snapshots == 1)
    }

    @Test func anEmptyReplacementDeletesNobody() async throws {
        let fixture = try UsersFixture()
        try fixture.add("alice", "")
        let process = try await start(fixture)
        try fixture.move(fixture.users, fixture.root + "/away")
        mkdir(fixture.users, 0o755)
        try await Task.sleep(for: .milliseconds(600))
        try process.takeIn()
        #expect(process.reports.count == 2)
        try fixture.add("bob", "")
        try await process.wait("bob instead of alice") { process.users.keys.map(\.text) == ["bob"] }
    }

    @Test func aFolderThatAppearsLaterIsFound() async throws {
        let fixture = try UsersFixture()
        try fixture.remove(fixture.users)
        let process = try PathwatchProcess()
        try process.send(fixture.users)
        try await Task.sleep(for: .milliseconds(100))
        try process.takeIn()
        #expect(process.snapshots == 0)
        mkdir(fixture.users, 0o755)
        try await process.wait("the snapshot") { process.snapshots == 1 }
        try fixture.add("alice", "")
        try await process.wait("alice") { process.users.count == 1 }
    }

    @Test func thousandsAreReported() async throws {
        let fixture = try UsersFixture()
        let count = 2000
        for index in 0..<count { try fixture.add("user-\(index)", "plan: paid") }
        let process = try await start(fixture)
        #expect(process.users.count == count)
        try fixture.write("plan: free", to: fixture.file("user-7"))
        try await process.wait("the change") { process.users[fixture.name("user-7")]?.plan == .free }
        #expect(process.reports.count == count + 2)
        for index in 0..<count where index != 7 {
            unlink(fixture.file("user-\(index)"))
            rmdir("\(fixture.users)/user-\(index)")
        }
        try await process.wait("the end of all but one") { process.users.count == 1 }
        for index in 0..<count { try fixture.add("user-\(index)", "") }
        try await process.wait("the return of all") {
            process.users.count == count && process.users.values.allSatisfy { $0.plan == .free }
        }
    }
}
