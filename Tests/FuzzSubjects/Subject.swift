// What is tried with bytes from anywhere, and what must hold of it. The tests bring bytes of their own, libFuzzer others.

import Shared

/// Something that must not hold has come true.
package struct Violation: Error, CustomStringConvertible {
    package let description: String
}

/// What reads bytes that another program has written.
package enum Subject: CaseIterable, Sendable {
    case user, configuration
    case toKeeper, fromKeeper, toPathwatch, fromPathwatch, toDBWatch, fromDBWatch, toDispatch, fromDispatch
    case request, answer
    case package

    /// Tries these bytes.
    ///
    /// - Throws: `Violation`.
    package func examine(_ bytes: [UInt8]) throws {
        switch self {
        case .user:
            try examine(bytes) { _ = try UserSettings(text: $0, file: "f", databases: ["main"]) }
        case .configuration:
            try examine(bytes) { _ = try Configuration(text: $0, file: "f", folder: "/") }
        case .toKeeper: try Stream<ToKeeper>(bytes).examine()
        case .fromKeeper: try Stream<FromKeeper>(bytes).examine()
        case .toPathwatch: try Stream<ToPathwatch>(bytes).examine()
        case .fromPathwatch: try Stream<FromPathwatch>(bytes).examine()
        case .toDBWatch: try Stream<ToDBWatch>(bytes).examine()
        case .fromDBWatch: try Stream<FromDBWatch>(bytes).examine()
        case .toDispatch: try Stream<ToDispatch>(bytes).examine()
        case .fromDispatch: try Stream<FromDispatch>(bytes).examine()
        case .package:
            try examine(bytes) { _ = try PackageManifest(text: $0, file: "f", version: "1.0") }
        case .request: try Stream<ControlRequest>(bytes).examine()
        case .answer: try Stream<ControlAnswer>(bytes).examine()
        }
    }

    /// A text is read, or refused by one line that tells where.
    private func examine(_ bytes: [UInt8], _ read: (String) throws -> Void) throws {
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        do {
            try read(text)
        } catch let error as ConfigurationError {
            let line = "\(error)"
            guard let place = error.place else { throw Violation(description: "no place: \(line)") }
            let last = 2 + bytes.count { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") || $0 >= 0x80 }
            guard (1...last).contains(place.line), place.column >= 1, place.column <= bytes.count + 2 else {
                throw Violation(description: "a place that is not in the text: \(line)")
            }
            guard line.utf8.count <= 1000, line.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw Violation(description: "not one line: \(line.debugDescription)")
            }
        } catch {
            throw Violation(description: "not a ConfigurationError: \(error)")
        }
    }
}

/// A stream of frames with messages, whose first byte says in what pieces it arrives.
private struct Stream<Body: Message> {
    let bytes: ArraySlice<UInt8>
    let largestPiece: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes.dropFirst()
        largestPiece = 1 + Int(bytes.first ?? 0)
    }

    func examine() throws {
        let (whole, failure) = try payloads([bytes])
        let (inPieces, sameFailure) = try payloads(pieces)
        guard whole == inPieces, failure == sameFailure else {
            throw Violation(description: "in pieces the stream means something else")
        }
        for payload in whole { try examine(payload) }
    }

    private var pieces: [ArraySlice<UInt8>] {
        var chance = SplitMix64(seed: UInt64(largestPiece))
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes
        while !rest.isEmpty {
            pieces.append(rest.prefix(1 + Int(chance.next() % UInt64(largestPiece))))
            rest = rest.dropFirst(pieces.last?.count ?? 0)
        }
        return pieces
    }

    private func payloads(_ pieces: [ArraySlice<UInt8>]) throws -> ([[UInt8]], WireError?) {
        var decoder = FrameDecoder()
        var payloads: [[UInt8]] = []
        do {
            for piece in pieces {
                decoder.append(piece)
                while let payload = try decoder.next() { payloads.append(Array(payload)) }
            }
            return (payloads, nil)
        } catch let error as WireError {
            return (payloads, error)
        } catch {
            throw Violation(description: "not a WireError: \(error)")
        }
    }

    /// A message that is understood says the same when it is sent on.
    private func examine(_ payload: [UInt8]) throws {
        let packet: Packet<Body>
        do {
            packet = try Packet(payload: payload[...])
        } catch is WireError {
            return
        } catch {
            throw Violation(description: "not a WireError: \(error)")
        }
        var writer = WireWriter()
        do { try packet.write(to: &writer) } catch { throw Violation(description: "cannot be sent on: \(error)") }
        guard writer.bytes.count <= payload.count, try Packet<Body>(payload: writer.bytes[...]) == packet else {
            throw Violation(description: "sent on it is another message: \(packet)")
        }
    }
}
