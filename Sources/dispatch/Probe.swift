// One check that runs: a connection to the worker's socket, the request and its answer.

import Glibc
import Shared
import SharedSystem

final class Probe {
    /// A longer body passes without being read to its end, in bytes.
    private static let mostBody = 64 * 1024
    /// An answer whose head has not ended by then is none, in bytes.
    private static let mostBytes = 128 * 1024

    let order: CheckOrder
    let began: Instant
    let socket: Descriptor
    private let exchange: HTTPExchange
    private var received = 0

    /// Connects and sends the request, neither of which waits: a Unix socket connects at once or not at all, and a fresh
    /// one has room for a request.
    ///
    /// - Throws: `SystemError` where the worker's socket, or this process, cannot do that.
    init(_ order: CheckOrder, now: Instant) throws {
        self.order = order
        began = now
        socket = try UnixSocket.connect(to: order.socket)
        exchange = try HTTPExchange()
        let request = try exchange.request(order.settings.path)
        let sent = try check("send", order.socket) { send(socket.number, request, request.count, Int32(MSG_NOSIGNAL)) }
        guard sent == request.count else { throw SystemError("send", order.socket, code: EAGAIN) }
    }

    /// Whether an error of `init` is about this process or the machine, and says nothing about the worker.
    static func isOurs(_ error: SystemError) -> Bool {
        [EMFILE, ENFILE, ENOMEM, ENOBUFS, ENOSPC].contains(error.code)
    }

    /// Reads what has come.
    ///
    /// - Returns: the result, once it is known.
    func read(into buffer: inout [UInt8], now: Instant) -> CheckResult? {
        do {
            let size = try buffer.withUnsafeMutableBytes { bytes in
                try attempt("recv") { recv(socket.number, bytes.baseAddress, bytes.count, 0) }
            }
            guard let size else { return nil }
            received += size
            if size == 0 {
                try exchange.end()
            } else {
                try buffer.withUnsafeBytes { try exchange.receive(UnsafeRawBufferPointer(rebasing: $0[..<size])) }
            }
            return result(isEnded: size == 0, now)
        } catch {
            return .badAnswer
        }
    }

    private func result(isEnded: Bool, _ now: Instant) -> CheckResult? {
        if let status = exchange.status {
            let isPass = (200..<300).contains(status)
            let isEnough = exchange.isComplete || exchange.bodySize >= Self.mostBody
            if !isPass || isEnough { return .answer(status, now - began) }
        }
        return isEnded || received >= Self.mostBytes ? .badAnswer : nil
    }
}
