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
    }
}
