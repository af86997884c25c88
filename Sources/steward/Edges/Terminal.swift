// Where the commands print: standard output, made safe where it is a terminal.
//
// What a worker writes may be what a visitor sent. Shown raw, it could move the operator's cursor, rename the window or
// hide what stands beside it: on a terminal, characters that steer are shown as escapes, such as \u001B. Into a file or a
// pipe everything goes as it is.

import Glibc
import Shared
import SharedSystem

enum Terminal {
    private static let isThere = isatty(1) == 1

    static func print(_ line: String) {
        Swift.print(isThere ? VisibleText.of(line) : line)
        fflush(nil)
    }

    /// - Throws: `Failure` where standard output takes no more.
    static func write(_ bytes: [UInt8], through text: inout VisibleText) throws {
        fflush(nil)
        let shown = isThere ? text.visible(bytes) : bytes
        var rest = shown[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
            guard written >= 0 || errno == EINTR else {
                throw Failure("standard output: \(SystemError.text(errno))", code: 1)
            }
            rest = rest.dropFirst(max(0, written))
        }
    }

    /// Waits a moment.
    ///
    /// - Returns: false when no program reads standard output any longer.
    static func isHeard(for milliseconds: Int32) -> Bool {
        var output = pollfd(fd: 1, events: 0, revents: 0)
        _ = poll(&output, 1, milliseconds)
        return output.revents == 0
    }
}
