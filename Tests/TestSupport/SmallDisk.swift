// A file system that is soon full.

import Foundation
import Shared
import SharedSystem

/// A tmpfs(5) of a few blocks in a folder of its own. Only root can mount one.
package final class SmallDisk: Sendable {
    package let path: String

    /// Nil where nothing can be mounted; a line says why the test is left out.
    package init?(kibibytes: Int) throws {
        var template = Array("/tmp/st-disk-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(kibibytes)k,mode=0755") == 0 else {
            print("a full disk is not tried: no tmpfs can be mounted (\(SystemError.text(errno)))")
            rmdir(path)
            return nil
        }
    }

    private var filler: String { "\(path)/filler" }

    /// Takes every block that is left.
    package func fill() throws {
        let file = Descriptor(
            owning: try check("open", filler) { open(filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) })
        let block = [UInt8](repeating: 0, count: 4096)
        while write(file.number, block, block.count) > 0 {}
        guard errno == ENOSPC else { throw SystemError("write", filler) }
    }

    /// Gives back what `fill` has taken.
    package func free() throws {
        try check("unlink", filler) { unlink(filler) }
    }

    /// Unmounts it: at once from the tree of files, in fact when the last file in it is closed.
    package func remove() {
        umount2(path, Int32(MNT_DETACH))
        rmdir(path)
    }
}

extension Tree {
    /// Runs `body` on a tree with alice whose folder of that setting (`runtime`, `state`, `logs`) is a disk of 256 KiB;
    /// where none can be mounted, nothing.
    package static func withSmallDisk(
        as setting: String, _ body: (Tree, SmallDisk) async throws -> Void
    ) async throws {
        guard let disk = try SmallDisk(kibibytes: 256) else { return }
        defer { disk.remove() }
        try await with {
            $0.users = ["alice": ""]
            $0.settings[setting] = disk.path
        } _: { tree in
            try await body(tree, disk)
        }
    }
}
