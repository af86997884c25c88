// One HTTP request on a connection of its own, and what became of it.

import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// Where a service answers.
package enum Target: Sendable {
    /// A port of 127.0.0.1.
    case tcp(Int)
    case unix(String)

    fileprivate var address: SocketAddress {
        get throws {
            switch self {
            case .tcp(let port): try SocketAddress(ipAddress: "127.0.0.1", port: port)
            case .unix(let path): try SocketAddress(unixDomainSocketPath: path)
            }
        }
    }
}

package struct Answer: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: String
}

/// What became of a request. Everything but an answer is a failure of its own kind.
package enum Outcome: Sendable, CustomStringConvertible {
    case answer(Answer)
    /// The connection was not made, with the errno value: ENOENT, ECONNREFUSED, EAGAIN for a full backlog.
    case noConnection(Int32)
    /// The connection broke before the whole answer was there.
    case reset
    case timeout
    /// What came is not HTTP.
    case malformed

    package var status: Int? {
        if case .answer(let answer) = self { answer.status } else { nil }
    }

    package var description: String {
        switch self {
        case .answer(let answer): "\(answer.status) \(answer.body.suffix(200))"
        default: kind
        }
    }

    /// The outcome in a word, for counting.
    package var kind: String {
        switch self {
        case .answer(let answer): "\(answer.status)"
        case .noConnection(let code): "no connection: \(String(cString: strerror(code)))"
        case .reset: "reset"
        case .timeout: "timeout"
        case .malformed: "malformed"
        }
    }
}

package struct Request: Sendable {
    package var target: Target
    /// The Host header.
    package var host: String
    package var method = HTTPMethod.GET
    package var path = "/"
    package var body = ""
    package var contentType: String?
    /// From the start of the connection to the end of the answer.
    package var timeout = TimeAmount.seconds(15)

    package init(_ target: Target, host: String = "localhost", path: String = "/") {
        self.target = target
        self.host = host
        self.path = path
    }

    /// Sends it once; the connection is closed afterwards.
    package func send() async -> Outcome {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        return (try? await send(on: loop).get()) ?? .reset
    }

    /// The future never fails: every failure is an outcome.
    func send(on loop: any EventLoop) -> EventLoopFuture<Outcome> {
        let promise = loop.makePromise(of: Outcome.self)
        let bootstrap = ClientBootstrap(group: loop).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                try channel.pipeline.syncOperations.addHandler(Exchange(request: self, promise: promise))
            }
        }
        let connection: EventLoopFuture<any Channel>
        do {
            connection = bootstrap.connect(to: try target.address)
        } catch {
            connection = loop.makeFailedFuture(error)
        }
        connection.whenFailure { promise.succeed(.noConnection(($0 as? IOError)?.errnoCode ?? EIO)) }
        let deadline = loop.scheduleTask(in: timeout) { promise.succeed(.timeout) }
        return promise.futureResult.always { _ in
            deadline.cancel()
            connection.whenSuccess { $0.close(promise: nil) }
        }
    }
}

/// Sends the request when the connection is there and gathers the answer. Whatever comes first decides the outcome.
private final class Exchange: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let request: Request
    private let promise: EventLoopPromise<Outcome>
    private var answer: Answer?

    init(request: Request, promise: EventLoopPromise<Outcome>) {
        self.request = request
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        var head = HTTPRequestHead(version: .http1_1, method: request.method, uri: request.path)
        head.headers = ["Host": request.host, "Connection": "close"]
        if let type = request.contentType { head.headers.add(name: "Content-Type", value: type) }
        if !request.body.isEmpty { head.headers.add(name: "Content-Length", value: "\(request.body.utf8.count)") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !request.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: request.body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): answer = Answer(status: Int(head.status.code), headers: head.headers, body: "")
        case .body(let bytes): answer?.body += String(buffer: bytes)
        case .end: promise.succeed(answer.map(Outcome.answer) ?? .malformed)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.succeed(.reset)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The parser reports a connection that ends too early as a fault of its own.
        let isCut = (error as? HTTPParserError) == .invalidEOFState || error is IOError || error is ChannelError
        promise.succeed(isCut ? .reset : .malformed)
    }
}
