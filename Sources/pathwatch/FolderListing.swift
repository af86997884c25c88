// The users' folder as the file system shows it.

import Glibc
import Shared
import SharedSystem

extension FolderIdentity {
    /// Of the folder at `path`, following links.
    init(_ path: String) throws {
        var status = stat()
        try check("stat", path) { stat(path, &status) }
        self.init(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }
}

enum FolderListing {
    /// The names in a folder, in no order, without those that begin with a dot.
    ///
    /// - Throws: `SystemError`, also where the folder could be read only in part.
    static func names(_ path: String) throws -> [String] {
        try FolderNames.read(path).filter { !$0.hasPrefix(".") }
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}

/// The names of folders that cannot be users and have been logged, so that each is logged once.
struct RefusedNames {
    /// A folder full of them is one story, not a thousand lines.
    private static let most = 100
    private var names: Set<String> = []

    /// Whether this name is new and worth a line.
    mutating func insert(_ name: String) -> Bool {
        !name.hasPrefix(".") && names.count < Self.most && names.insert(name).inserted
    }

    /// Forgets those that are gone.
    mutating func keep(_ present: [String]) {
        names.formIntersection(present)
    }
}
