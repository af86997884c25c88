// A file descriptor with one owner.

import Glibc
import Shared

/// A descriptor that is closed when its last reference goes.
package final class Descriptor: Sendable {
    package let number: Int32

    /// Takes over `number`; nobody else may close it.
    package init(owning number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }
}
