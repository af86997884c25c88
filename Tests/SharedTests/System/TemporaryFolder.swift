// A folder of a test's own, gone with the last reference to it.

import Foundation

@testable import Shared
@testable import SharedSystem

final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/steward-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ name: String, _ text: String) throws -> String {
        try write(name, Array(text.utf8))
    }

    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = "\(path)/\(name)"
        let descriptor = Descriptor(
            owning: try check("open", file) { open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) })
        try check("write", file) { Foundation.write(descriptor.number, bytes, bytes.count) }
        return file
    }
}
