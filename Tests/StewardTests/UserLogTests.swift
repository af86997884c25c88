import Foundation
import Shared
import SharedSystem
import TestSupport
import Testing

@testable import steward

@Suite struct UserLogTests {
    private let folder: TemporaryFolder
    private var log: UserLog
    private var path: String { "\(folder.path)/alice.log" }

    init() throws {
        folder = try TemporaryFolder()
        log = UserLog(UserName("alice") ?? UserName(), in: folder.path)
    }

    private func write(_ text: String, to path: String) throws {
        let file = Descriptor(
            owning: try check("open", path) { open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) })
        let bytes = Array(text.utf8)
        try check("write", path) { Glibc.write(file.number, bytes, bytes.count) }
    }

    private mutating func end(_ lines: Int) throws -> String? {
        try log.end(lines: lines).map { String(decoding: $0, as: UTF8.self) }
    }

    private mutating func more() throws -> String { String(decoding: try log.more(), as: UTF8.self) }

    @Test mutating func nothingIsThere() throws {
        #expect(try end(3) == nil)
        #expect(try more() == "")
        try write("late\n", to: path)
        #expect(try more() == "late\n")
    }

    @Test mutating func theEnd() throws {
        try write("one\ntwo\nthree\n", to: path)
        #expect(try end(2) == "two\nthree\n")
        #expect(try end(3) == "one\ntwo\nthree\n")
        #expect(try end(9) == "one\ntwo\nthree\n")
        #expect(try end(0) == "")
        try write("half", to: path)
        #expect(try end(2) == "three\nhalf")
    }

    @Test mutating func theEndOfALongFile() throws {
        let lines = (0..<40_000).map { "line \($0)\n" }
        try write(lines.joined(), to: path)
        #expect(try end(20_000) == lines.suffix(20_000).joined())
    }

    @Test mutating func thePredecessorFillsUp() throws {
        try write("one\ntwo\n", to: path + ".1")
        #expect(try end(1) == "two\n")
        try write("three\n", to: path)
        #expect(try end(2) == "two\nthree\n")
        #expect(try end(9) == "one\ntwo\nthree\n")
    }

    @Test mutating func followsThroughRenaming() throws {
        try write("one\n", to: path)
        #expect(try end(1) == "one\n")
        try write("two\n", to: path)
        try check("rename") { rename(path, path + ".1") }
        // The keeper has renamed it, and has not begun the next one yet.
        #expect(try more() == "two\n")
        #expect(try more() == "")
        try write("three\n", to: path)
        #expect(try more() == "three\n")
    }

    @Test mutating func whatCameBeforeTheRenamingComesFirst() throws {
        try write("one\n", to: path)
        _ = try end(1)
        try write("two\n", to: path)
        try check("rename") { rename(path, path + ".1") }
        try write("three\n", to: path)
        #expect(try more() == "two\n")
        #expect(try more() == "three\n")
    }

    @Test mutating func followsThroughRemovalAndEmptying() throws {
        try write("one\n", to: path)
        _ = try end(1)
        unlink(path)
        #expect(try more() == "")
        try write("two\n", to: path)
        #expect(try more() == "two\n")
        truncate(path, 0)
        #expect(try more() == "")
        try write("x\n", to: path)
        #expect(try more() == "x\n")
    }
}
