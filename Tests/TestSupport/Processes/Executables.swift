// Where the programs under test lie.

import Foundation
import Shared
import SharedSystem

package enum Executables {
    /// The folder of the test bundle: every built executable lies there.
    package static func folder() throws -> String {
        let path = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
    }

    /// Makes a folder in which some programs are replaced by scripts. master is copied, because it looks for the
    /// others beside its own real path; they are links.
    static func copy(to target: String, replacing scripts: [String: String]) async throws {
        let source = try folder()
        let files = FileManager.default
        try files.createDirectory(atPath: target, withIntermediateDirectories: false)
        for name in ["keeper", "pathwatch", "dbwatch", "dispatch", "steward", "launch"] where scripts[name] == nil {
            try files.createSymbolicLink(atPath: "\(target)/\(name)", withDestinationPath: "\(source)/\(name)")
        }
        // By another process: a program that this one holds open for writing, if only in a child that is just being
        // spawned by another test, cannot be executed (ETXTBSY).
        let copy = try await CommandResult.of("/bin/cp", ["\(source)/master", target])
        guard copy.status == 0 else { throw TreeError(copy.errors) }
        for (name, text) in scripts {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(target)/\(name)"))
            try check("chmod", name) { chmod("\(target)/\(name)", 0o755) }
        }
    }
}

/// Files of the project that tests need.
package enum Sources {
    /// The absolute path of a file, given from the project's root.
    package static func path(_ name: String, here: String = #filePath) -> String {
        here.split(separator: "/").dropLast(4).map { "/" + $0 }.joined() + "/" + name
    }
}
