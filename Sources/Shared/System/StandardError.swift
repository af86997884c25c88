// Lines on standard error that are no log: a command's or a program's last word.

import Glibc
import Shared

public enum StandardError {
    /// Writes as much of a line as standard error takes at once.
    public static func write(_ line: String) {
        var line = line + "\n"
        _ = line.withUTF8 { Glibc.write(2, $0.baseAddress, $0.count) }
    }
}
