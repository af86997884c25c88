// The real program on a terminal and on a pipe, with what workers wrote and visitors sent.

import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport
import Testing

@testable import steward

/// A pseudoterminal (pty(7)).
private struct PseudoTerminal {
    let screen: Descriptor
    /// What a program is given as its standard output.
    let line: Descriptor

    init(columns: UInt16) throws {
        var size = winsize(ws_row: 25, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        var (ours, theirs): (Int32, Int32) = (-1, -1)
        try check("openpty") { openpty(&ours, &theirs, nil, nil, &size) }
        (screen, line) = (Descriptor(owning: ours), Descriptor(owning: theirs))
        for number in [ours, theirs] { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(screen.number, F_SETFL, O_NONBLOCK)
    }

    /// What has been printed, at most a few kilobytes, with plain ends of lines.
    func text() -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let size = read(screen.number, &buffer, buffer.count), size > 0 { bytes += buffer[..<size] }
        return String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
    }
}

@Suite struct TerminalTests {
    private static let written = "one\n\u{1B}[2J\u{1B}]0;owned\u{07}\n\u{202E}three\n"
    private static let shown = "one\n\\u001B[2J\\u001B]0;owned\\u0007\n\\u202Ethree\n"

    /// Lines are not cut to the width: the terminal folds them, and what is copied from it is whole.
    @Test(arguments: [80, 200] as [UInt16])
    func theWidthChangesNothing(columns: UInt16) async throws {
        var snapshot = nothing
        snapshot.users = Array(crowd.suffix(4))
        let answers = snapshot.answers
        let terminal = try PseudoTerminal(columns: columns)
        let result = try await FakeMaster().run(["status"], output: terminal.line) { _ in answers }
        let piped = try await FakeMaster().run(["status"]) { _ in answers }
        #expect(result.status == 0 && result.errors == "", "\(result)")
        let lines = terminal.text()
        #expect(Self.ageless(lines) == Self.ageless(VisibleText.of(piped.output)))
        #expect(lines.contains("red \\u001B[31m, bell \\u0007, turned \\u202Etxt.exe, tab \t."))
        #expect(piped.output.contains("red \u{1B}[31m, bell \u{07}"), "a pipe has it as it is")
    }

    /// A second may pass between two runs.
    private static func ageless(_ text: String) -> String {
        text.replacing(/[0-9]+[dhms]([0-9]+[dhms])*/, with: "AGE").replacing(/[ ]+/, with: " ")
    }

    @Test func outputIsMadeVisibleOnATerminalOnly() async throws {
        let master = try FakeMaster(isThere: false)
        try Self.written.write(toFile: "\(master.folder.path)/logs/alice.log", atomically: false, encoding: .utf8)
        let terminal = try PseudoTerminal(columns: 80)
        let onTerminal = try await master.run(["logs", "alice"], output: terminal.line)
        #expect(onTerminal.status == 0 && terminal.text() == Self.shown)
        let piped = try await master.run(["logs", "alice"])
        #expect(piped.status == 0 && piped.output == Self.written && piped.errors == "")
        let last = try await master.run(["logs", "alice", "--lines", "1"])
        #expect(last.output == "\u{202E}three\n")
        let none = try await master.run(["logs", "alice", "--lines", "0"])
        #expect(none.status == 0 && none.output == "")
    }

    @Test func whoHasWrittenNothingIsNoFailure() async throws {
        let master = try FakeMaster(isThere: false)
        let folder = "\(master.folder.path)/users/alice"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try "".write(toFile: "\(folder)/user.yaml", atomically: false, encoding: .utf8)
        let alice = try await master.run(["logs", "alice"])
        #expect(alice.status == 0 && alice.output == "")
        #expect(alice.errors == "steward: alice has written nothing yet\n")
        let nobody = try await master.run(["logs", "nobody"])
        #expect(nobody.status == 1 && nobody.output == "" && nobody.errors == "steward: no user nobody\n")
    }
}

@Suite struct PackageCheckTests {
    private func check(_ manifest: String?) async throws -> (outcome: Outcome, folder: String) {
        let master = try FakeMaster(isThere: false)
        let folder = "\(master.folder.path)/1.0"
        if let manifest {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            try manifest.write(toFile: "\(folder)/package.yaml", atomically: false, encoding: .utf8)
        }
        return (try await master.run(["package", "check", folder]) { _ in nil }, folder)
    }

    @Test func aGoodOneIsInOrder() async throws {
        let (good, folder) = try await check("version: 1.0\ncommand: [python3, app.py]\n")
        #expect(good.status == 0 && good.output == "\(folder): version 1.0 is in order\n", "\(good)")
    }

    @Test func eachFaultIsALine() async throws {
        let (faulty, folder) = try await check("version: 2.0\ncomand: [x]\n")
        #expect(faulty.status == 1 && faulty.output == "", "\(faulty)")
        let lines = faulty.errors.split(separator: "\n")
        #expect(!lines.isEmpty && lines.allSatisfy { $0.hasPrefix("steward: \(folder)/package.yaml:") }, "\(lines)")
        let (absent, place) = try await check(nil)
        #expect(absent.status == 1 && absent.errors == "steward: \(place): there is no such folder\n")
    }
}
