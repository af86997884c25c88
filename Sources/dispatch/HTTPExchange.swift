// The one file of dispatch that knows SwiftNIO: its HTTP/1.1 encoder and decoder, driven by hand.

import NIOCore
import NIOEmbedded
import NIOHTTP1
import Shared

/// One request and the answer to it, as bytes.
final class HTTPExchange {
    /// Headers that are longer than this are no answer, in bytes.
    private static let mostHeaders = 32 * 1024

    private let channel: EmbeddedChannel
    /// Of the answer's head, once that has come.
    private(set) var status: Int?
    private(set) var bodySize = 0
    private(set) var isComplete = false

    init() throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderListSize = Self.mostHeaders
        limits.maxHeaderFieldSize = Self.mostHeaders
        channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandlers([
            HTTPRequestEncoder(),
            ByteToMessageHandler(HTTPResponseDecoder(limitConfiguration: limits)),
        ])
    }

    deinit {
        // The pipeline and its handlers hold each other until the channel is closed.
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    /// The bytes of a GET request for `path`.
    func request(_ path: String) throws -> [UInt8] {
        let headers: HTTPHeaders = [
            "Host": "localhost", "User-Agent": "steward/\(stewardVersion)", "Accept": "*/*", "Connection": "close",
        ]
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: Self.target(path), headers: headers)
        try channel.writeOutbound(HTTPClientRequestPart.head(head))
        try channel.writeOutbound(HTTPClientRequestPart.end(nil))
        var bytes: [UInt8] = []
        while let part = try channel.readOutbound(as: ByteBuffer.self) {
            bytes.append(contentsOf: part.readableBytesView)
        }
        return bytes
    }

    /// - Throws: where the bytes are no HTTP answer.
    func receive(_ bytes: UnsafeRawBufferPointer) throws {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        try take()
    }

    /// The end of the stream, which also ends an answer of undeclared length.
    ///
    /// - Throws: where the answer is not whole.
    func end() throws {
        _ = try channel.finish(acceptAlreadyClosed: true)
        try take()
    }

    private func take() throws {
        while let part = try channel.readInbound(as: HTTPClientResponsePart.self) {
            switch part {
            case .head(let head): status = Int(head.status.code)
            case .body(let bytes): bodySize += bytes.readableBytes
            case .end: isComplete = true
            }
        }
    }

    /// A configured path as a request target: bytes that would break the request line are percent-encoded.
    private static func target(_ path: String) -> String {
        let digits = Array("0123456789ABCDEF")
        let escaped = path.utf8.map { byte in
            (0x21...0x7E).contains(byte)
                ? String(UnicodeScalar(byte)) : "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }
        return (path.hasPrefix("/") ? "" : "/") + escaped.joined()
    }
}
