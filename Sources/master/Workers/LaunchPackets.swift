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
    ///   - descriptors: output and listening socket.
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

/// What a new process says of itself, or launch of a start.
struct LaunchAnswer {
    enum Content {
        /// The process exists; nil where there was no room for its pidfd.
        case made(pid: Int32, startTime: UInt64?, pidfd: Descriptor?)
        /// It could not be made: an errno value.
        case failed(Int32)
        /// It follows, once its account is known.
        case waits
        /// Its program was executed, or why not.
        case executed(failure: String?)
    }

    /// Of the request.
    let number: UInt64
    let content: Content

    /// The next one; nil where none has come, or none will.
    init?(from channel: Descriptor) throws {
        let head = 24
        var bytes = [UInt8](repeating: 0, count: head + 512)
        var descriptor: Int32 = -1
        var count: Int32 = 0
        let size = try bytes.withUnsafeMutableBytes { bytes in
            try attempt("recvmsg") {
                clinux_receive(channel.number, bytes.baseAddress, bytes.count, &descriptor, 1, &count)
            }
        }
        let pidfd = count > 0 && descriptor >= 0 ? Descriptor(owning: descriptor) : nil
        guard let size, size >= head else { return nil }
        let (number, pid, error, startTime) = bytes.withUnsafeBytes { bytes in
            (
                bytes.load(as: UInt64.self), bytes.load(fromByteOffset: 8, as: Int32.self),
                bytes.load(fromByteOffset: 12, as: Int32.self), bytes.load(fromByteOffset: 16, as: UInt64.self)
            )
        }
        self.number = number
        content =
            switch (pid, error) {
            case (0, 0): .waits
            case (0, _): .failed(error)
            case (1..., _): .made(pid: pid, startTime: startTime == 0 ? nil : startTime, pidfd: pidfd)
            default:
                .executed(failure: size == head ? nil : String(decoding: bytes[head..<size], as: UTF8.self))
            }
    }
}
