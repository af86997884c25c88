// Signals as something to read in the loop.

import CLinux
import Glibc
import Shared

/// The signals of this process, read from a descriptor (signalfd(2)). They are blocked from its creation on: make it
/// before any thread starts.
public final class Signals {
    public let descriptor: Descriptor

    public init(_ signals: [Int32]) throws {
        descriptor = Descriptor(
            owning: try check("signalfd") { clinux_signal_open(signals, Int32(signals.count)) })
    }

    /// The next signal that has come, if any.
    public func next() throws -> Int32? {
        try attempt("read signalfd") { clinux_signal_read(descriptor.number) }
    }
}
