// The program file that master runs from.

import Glibc
import Policy
import Shared
import SharedSystem

struct OwnProgram {
    private static let link = "/proc/self/exe"

    private let path: String
    private let device: dev_t
    private let number: ino_t

    init() throws {
        path = try FilePath.target(ofLink: Self.link)
        var status = stat()
        try check("stat", Self.link) { stat(Self.link, &status) }
        (device, number) = (status.st_dev, status.st_ino)
    }

    /// The folder where its siblings lie.
    var folder: String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// Whether another file has taken its place, as a deploy does.
    var isReplaced: Bool {
        var status = stat()
        guard stat(path, &status) == 0, access(path, X_OK) == 0 else { return false }
        return status.st_dev != device || status.st_ino != number
    }

    /// Becomes what lies there now, with the same arguments and the same process id (execve(2)).
    func execute() throws {
        var arguments = ([path] + CommandLine.arguments.dropFirst()).map { strdup($0) } + [nil]
        execv(path, &arguments)
        throw SystemError("execv", path)
    }
}
