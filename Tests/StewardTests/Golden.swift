// Texts that the command prints, kept in files that a person can read: Golden/NAME.
//
// `STEWARD_GOLDEN=write swift test --filter StewardTests` writes them anew; what has changed is then read with git diff.

import Foundation
import Testing

/// Compares a text with its file.
func expectGolden(_ text: String, _ name: String, _ place: SourceLocation = #_sourceLocation) {
    let path = "\(golden)/\(name)"
    if ProcessInfo.processInfo.environment["STEWARD_GOLDEN"] == "write" {
        #expect(FileManager.default.createFile(atPath: path, contents: Data("\(text)\n".utf8)))
    }
    let kept = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    #expect("\(text)\n" == kept, "Golden/\(name) says something else", sourceLocation: place)
}

/// Compares what a view shows with its files, as it is seen on a narrow and on a wide terminal.
func expectGolden(_ lines: [String], _ name: String, _ place: SourceLocation = #_sourceLocation) {
    for columns in [80, 200] {
        expectGolden(Screen(columns: columns).shows(lines), "\(name).\(columns).txt", place)
    }
}

private let golden = #filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Golden"
