// The one file of keeper that knows SwiftNIO: its HTTP/1.1 decoder, driven by hand.

import NIOCore
import NIOEmbedded
import NIOHTTP1

/// Reads one request from a stream of bytes; what follows it is ignored.
final class HTTPRequestReader {
    private let channel: EmbeddedChannel
    /// Once the head has come.
    private(set) var head: RequestHead?
    /// Whether the whole request has come.
    private(set) var isWhole = false

    init() throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderListSize = Visit.mostHead
        limits.maxHeaderFieldSize = Visit.mostHead
        channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(
            ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: limits)))
    }

    deinit {
        // The pipeline and its handlers hold each other until the channel is closed.
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    /// - Throws: where the bytes are no HTTP request, or its headers are too large.
    func receive(_ bytes: UnsafeRawBufferPointer) throws {
        // What came before the fault counts: a whole request is answered, whatever follows it.
        defer { take() }
        try channel.writeInbound(ByteBuffer(bytes: bytes))
    }

    /// Whether `error` says that the headers are too large, rather than wrong.
    static func isTooLarge(_ error: any Error) -> Bool {
        error as? HTTPParserError == .headerOverflow
    }

    private func take() {
        while !isWhole, let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let request): head = Self.head(request)
            case .body: break
            case .end: isWhole = true
            }
        }
    }

    private static func head(_ request: HTTPRequestHead) -> RequestHead {
        let accept = request.headers["accept"]
        return RequestHead(
            isHead: request.method == .HEAD,
            expectsContinue: request.headers[canonicalForm: "expect"].contains { $0.lowercased() == "100-continue" },
            preference: Preference(
                accept: accept.isEmpty ? nil : accept.joined(separator: ","),
                contentType: request.headers.first(name: "content-type")))
    }
}
