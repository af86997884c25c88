// Signals as something to read in the loop.

import CLinux
import Glibc
import Shared

/// The signals of this process, read from a descriptor (signalfd(2)). They are blocked from its creation on: make it
/// before any thread starts.
package final class Signals {
    package let descriptor: Descriptor

    package init(_ signals: [Int32]) throws {
        descriptor = Descriptor(
            owning: try check("signalfd") { clinux_signal_open(signals, Int32(signals.count)) })
    }

    /// The next signal that has come, if any.
    package func next() throws -> Int32? {
        try attempt("read signalfd") { clinux_signal_read(descriptor.number) }
    }
}
