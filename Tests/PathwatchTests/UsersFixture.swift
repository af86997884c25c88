// A users' folder of a test's own, and what people do to one.

import Foundation

@testable import Shared
@testable import SharedSystem

final class UsersFixture {
    let root: String
    var users: String { root + "/users" }

    init() throws {
        var template = Array("/tmp/steward-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        root = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        try check("mkdir", users) { mkdir(users, 0o755) }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: root)
    }

    func file(_ user: String) -> String { "\(users)/\(user)/user.yaml" }

    /// Opened, truncated, written and closed, the way a shell does it.
    func write(_ text: String, to path: String, mode: mode_t = 0o644) throws {
        let number = try check("open", path) { open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode) }
        defer { close(number) }
        if !text.isEmpty { try check("write", path) { Foundation.write(number, text, text.utf8.count) } }
    }

    /// Written elsewhere and moved into place, the way careful editors do it.
    func replace(_ text: String, at path: String) throws {
        try write(text, to: path + ".new")
        try move(path + ".new", path)
    }

    func add(_ user: String, _ text: String) throws {
        mkdir("\(users)/\(user)", 0o755)
        try write(text, to: file(user))
    }

    func move(_ from: String, _ to: String) throws {
        try check("rename", from) { rename(from, to) }
    }

    /// A user's folder, or any path below the root.
    func remove(_ path: String) throws {
        try FileManager.default.removeItem(atPath: path)
    }

    func name(_ text: String) -> UserName { UserName(text) ?? UserName() }
}
