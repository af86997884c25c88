// One visitor's connection: its socket, moved by the visit.

import Glibc
import Shared
import SharedSystem

final class Visitor {
    let socket: Descriptor
    let began: Instant
    private let reason: StandInReason
    private let reader: HTTPRequestReader
    private var visit: Visit
    private var outgoing: ArraySlice<UInt8> = []
    private var hasEnded = false

    init(_ socket: Descriptor, _ reason: StandInReason, now: Instant) throws {
        self.socket = socket
        self.reason = reason
        began = now
        reader = try HTTPRequestReader()
        visit = Visit(now: now)
    }

    var deadline: Instant { visit.deadline }

    var isOver: Bool { visit.state == .over }

    var interest: Readiness {
        var interest: Readiness = []
        // A side that has ended stays readable for ever.
        if !hasEnded { interest.insert(.readable) }
        if !outgoing.isEmpty { interest.insert(.writable) }
        return interest
    }

    func serve(_ readiness: Readiness, into buffer: inout [UInt8], now: Instant) {
        if readiness.contains(.writable) { write(now) }
        if !isOver && !readiness.isDisjoint(with: [.readable, .hangup]) { read(into: &buffer, now) }
    }

    func expire(_ now: Instant) {
        step(.deadline, now)
    }

    private func step(_ event: Visit.Event, _ now: Instant) {
        switch visit.step(event, now: now) {
        case .answer(let head): send(Page.answer(reason, to: head), now)
        case .refuse(let refusal): send(Page.refusal(refusal), now)
        case .shutDown: shutdown(socket.number, Int32(SHUT_WR))
        case .close, nil: break
        }
    }

    private func read(into buffer: inout [UInt8], _ now: Instant) {
        do {
            let size = try buffer.withUnsafeMutableBytes { bytes in
                try attempt("recv") { recv(socket.number, bytes.baseAddress, bytes.count, 0) }
            }
            guard let size else { return }
            if size == 0 {
                // With nothing to be read any more, only a failing write tells that the visitor is gone.
                hasEnded = true
                step(.ended, now)
            } else {
                buffer.withUnsafeBytes { step(received(UnsafeRawBufferPointer(rebasing: $0[..<size])), now) }
            }
        } catch {
            step(.broken, now)
        }
    }

    private func received(_ bytes: UnsafeRawBufferPointer) -> Visit.Event {
        guard visit.isReading else { return .received(bytes.count, head: nil, isWhole: false) }
        do {
            try reader.receive(bytes)
        } catch {
            if HTTPRequestReader.isTooLarge(error) { return .received(Visit.mostHead + 1, head: nil, isWhole: false) }
            if !reader.isWhole { return .malformed }
        }
        return .received(bytes.count, head: reader.head, isWhole: reader.isWhole)
    }

    private func send(_ bytes: [UInt8], _ now: Instant) {
        outgoing = bytes[...]
        write(now)
    }

    private func write(_ now: Instant) {
        do {
            while !outgoing.isEmpty {
                let sent = try outgoing.withUnsafeBytes { bytes in
                    try attempt("send") {
                        Glibc.send(socket.number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
                    }
                }
                guard let sent else { return }
                outgoing = outgoing.dropFirst(sent)
            }
            step(.sent, now)
        } catch {
            step(.broken, now)
        }
    }
}
