// A failed system call as a typed error.

import Glibc
import Shared

/// The call that failed, what it was about, and why.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    package let call: String
    /// The path or name that the call was about, or an empty string.
    package let subject: String
    package let code: Int32

    package init(_ call: String, _ subject: String = "", code: Int32 = errno) {
        self.call = call
        self.subject = subject
        self.code = code
    }

    package var description: String {
        "\(call)\(subject.isEmpty ? "" : " " + subject): \(Self.text(code))"
    }

    /// The message of strerror(3).
    package static func text(_ code: Int32) -> String {
        strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }
}

/// Runs a system call that answers -1 for a failure, again after EINTR.
///
/// - Throws: `SystemError` with the call's errno.
@discardableResult
package func check<Result: SignedInteger>(
    _ call: String, _ subject: String = "", _ body: () -> Result
) throws -> Result {
    while true {
        let result = body()
        if result >= 0 { return result }
        if errno != EINTR { throw SystemError(call, subject) }
    }
}

/// As `check`, but nil where the call would have had to wait (EAGAIN).
package func attempt<Result: SignedInteger>(_ call: String, _ body: () -> Result) throws -> Result? {
    while true {
        let result = body()
        if result >= 0 { return result }
        if errno == EAGAIN { return nil }
        if errno != EINTR { throw SystemError(call) }
    }
}
