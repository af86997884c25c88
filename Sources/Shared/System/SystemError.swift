// A failed system call as a typed error.

import Glibc
import Shared

/// The call that failed, what it was about, and why.
public struct SystemError: Error, Equatable, CustomStringConvertible {
    public let call: String
    /// The path or name that the call was about, or an empty string.
    public let subject: String
    public let code: Int32

    public init(_ call: String, _ subject: String = "", code: Int32 = errno) {
        self.call = call
        self.subject = subject
        self.code = code
    }

    public var description: String {
        "\(call)\(subject.isEmpty ? "" : " " + subject): \(Self.text(code))"
    }

    /// The message of strerror(3).
    public static func text(_ code: Int32) -> String {
        strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }
}

/// Runs a system call that answers -1 for a failure, again after EINTR.
///
/// - Throws: `SystemError` with the call's errno.
@discardableResult
public func check<Result: SignedInteger>(
    _ call: String, _ subject: String = "", _ body: () -> Result
) throws -> Result {
    while true {
        let result = body()
        if result >= 0 { return result }
        if errno != EINTR { throw SystemError(call, subject) }
    }
}

/// As `check`, but nil where the call would have had to wait (EAGAIN).
public func attempt<Result: SignedInteger>(_ call: String, _ body: () -> Result) throws -> Result? {
    while true {
        let result = body()
        if result >= 0 { return result }
        if errno == EAGAIN { return nil }
        if errno != EINTR { throw SystemError(call) }
    }
}
