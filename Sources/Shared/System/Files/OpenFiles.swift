// How many files this process may have open.

import Glibc
import Shared

public enum OpenFiles {
    /// Raises the limit as far as an ordinary process may: to the hard one. A process that holds sockets for thousands
    /// of users outgrows the usual soft limit of 1,024.
    public static func raiseLimit() throws {
        var limit = rlimit()
        try check("getrlimit") { getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        limit.rlim_cur = limit.rlim_max
        try check("setrlimit") { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        reserveTable(Int32(clamping: min(limit.rlim_cur, 16_384)))
    }

    /// Makes the kernel's table of descriptors large at once (128 KiB for 16,384 of them). When it grows in a process with
    /// threads, the kernel waits until no processor reads the old one (expand_files in fs/file.c): some milliseconds each
    /// time that it doubles, while hundreds of users start.
    private static func reserveTable(_ size: Int32) {
        let last = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, size - 1)
        if last >= 0 { close(last) }
    }
}
