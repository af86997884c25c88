// A folder of a test's own.

import Foundation
import Shared

/// A new folder with a path short enough for sockets in it; gone, with its content, when the last reference goes.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init() throws {
        path = try OwnedFolder.make("st-")
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The content of a file, or nil where there is none.
    package func content(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: "\(path)/\(name)").map(Array.init)
    }
}
