// What master and launch send each other; Sources/launch/main.c has the layout.

import CLinux
import Glibc
import Policy
import Shared
import SharedSystem

/// A start as launch is asked for it.
struct LaunchRequest {
    /// Of the whole packet in bytes, as in Sources/launch/main.c.
    static let longest = 128 * 1024
    /// What is added to the nice value of a worker that is started gently.
    private static let gentleness = 10

    let bytes: [UInt8]
    private let descriptors: [Descriptor]

    /// - Parameters:
    ///   - account: nil where the worker runs as master does.
    ///   - gently: the plan's own nice value comes into force when the worker is ready.
    ///   - descriptors: output, listening socket, and what tells of the execution.
    init(
        number: UInt64, _ plan: WorkerPlan, env: [String: String], account: String?, gently: Bool,
        descriptors: [Descriptor]
    ) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(2048)
        let limits = plan.limits
        let core = limits.core == LimitSettings.unlimited ? UInt64.max : UInt64(limits.core)
        for word in [number, core] { withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) } }
        let nice = gently ? min(19, limits.nice + Self.gentleness) : limits.nice
        let counts = [UInt32(clamping: limits.files), UInt32(nice), UInt32(plan.command.count), UInt32(env.count)]
        for count in counts { withUnsafeBytes(of: count) { bytes.append(contentsOf: $0) } }
        func append(_ text: String) {
            bytes.append(contentsOf: text.utf8)
            bytes.append(0)
        }
        append(account ?? "")
        append(plan.folder)
        for word in plan.command { append(word) }
        for (name, value) in env {
            bytes.append(contentsOf: name.utf8)
            bytes.append(UInt8(ascii: "="))
            append(value)
        }
        self.bytes = bytes
        self.descriptors = descriptors
    }

    /// False where the channel is full.
    func send(to channel: Descriptor) throws -> Bool {
        let numbers = descriptors.map(\.number)
        let sent = try withExtendedLifetime(descriptors) {
            try bytes.withUnsafeBytes { bytes in
                try attempt("sendmsg") {
                    clinux_send(channel.number, bytes.baseAddress, bytes.count, numbers, Int32(numbers.count))
                }
            }
        }
        return sent != nil
    }
}

/// What a new process says of itself, or launch of one that it could not make.
struct LaunchAnswer {
    /// Of the request.
    let number: UInt64
    let pid: Int32
    /// An errno value, or 0.
    let error: Int32
    let pidfd: Descriptor?

    /// The next one; nil where none has come, or none will.
    init?(from channel: Descriptor) throws {
        var words: (UInt64, UInt64) = (0, 0)
        var descriptor: Int32 = -1
        var count: Int32 = 0
        let size = try withUnsafeMutableBytes(of: &words) { bytes in
            try attempt("recvmsg") {
                clinux_receive(channel.number, bytes.baseAddress, bytes.count, &descriptor, 1, &count)
            }
        }
        pidfd = count > 0 && descriptor >= 0 ? Descriptor(owning: descriptor) : nil
        guard size == MemoryLayout.size(ofValue: words) else { return nil }
        number = words.0
        (pid, error) = withUnsafeBytes(of: words.1) { bytes in
            (bytes.load(as: Int32.self), bytes.load(fromByteOffset: 4, as: Int32.self))
        }
    }
}
