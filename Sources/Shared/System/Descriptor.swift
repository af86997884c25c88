// A file descriptor with one owner.

import Glibc
import Shared

/// A descriptor that is closed when its last reference goes.
public final class Descriptor: Sendable {
    public let number: Int32

    /// Takes over `number`; no other code may close it.
    public init(owning number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }
}
