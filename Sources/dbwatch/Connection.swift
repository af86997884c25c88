// The one file that knows libpq. Nothing here waits: the loop says when the socket is ready.

import CLibpq
import Glibc
import Shared
import SharedSystem

/// One connection to a server. It is closed when its last reference goes.
final class Connection {
    /// What a step has led to.
    enum Progress: Equatable {
        /// Go on when the socket is ready for this.
        case waiting(Readiness)
        case connected
        case answered(Answer)
        case failed(Cause)
    }

    private enum Phase {
        case connecting, idle, asking
    }

    private static let question = """
        SELECT pg_is_in_recovery(), current_setting('transaction_read_only'), current_setting('max_connections')
        """

    private let handle: OpaquePointer
    private let parameters: Parameters
    private var phase = Phase.connecting
    /// Whether the last step may have led to another socket, even under the same number.
    private(set) var mayHaveMoved = true

    /// Starts to connect.
    ///
    /// - Parameters:
    ///   - values: from `parameters`, for this connection.
    ///   - parameters: know the passwords that no message may hold.
    init?(_ values: [String: String], of parameters: Parameters) {
        let started = withKeywords(values) { PQconnectStartParams($0, $1, 0) }
        guard let started else { return nil }
        handle = started
        self.parameters = parameters
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        // Notices would go to standard error.
        PQsetNoticeProcessor(handle, { @Sendable _, _ in }, nil)
        PQsetnonblocking(handle, 1)
    }

    deinit {
        // Unread bytes would make the server log a reset.
        if PQstatus(handle) == CONNECTION_OK { PQconsumeInput(handle) }
        PQfinish(handle)
    }

    /// The socket, which may be another one after each step; -1 where there is none.
    var socket: Int32 { PQsocket(handle) }

    /// What a connection waits for that has just been started.
    func begin() -> Progress {
        PQstatus(handle) == CONNECTION_BAD ? loginFailed() : .waiting(.writable)
    }

    /// Asks whether the server takes writes.
    func ask() -> Progress {
        guard PQsendQuery(handle, Self.question) == 1 else { return questionFailed(nil) }
        phase = .asking
        return flush()
    }

    /// The socket is ready.
    func advance() -> Progress {
        switch phase {
        case .connecting: connect()
        case .idle: drain()
        case .asking: read()
        }
    }

    // MARK: steps

    private func connect() -> Progress {
        mayHaveMoved = false
        while true {
            switch PQconnectPoll(handle) {
            case PGRES_POLLING_READING: return .waiting(.readable)
            case PGRES_POLLING_WRITING:
                // No socket comes to be but on the way to this.
                mayHaveMoved = true
                // A socket that has just been connected takes the greeting without a wait.
                guard PQstatus(handle) == CONNECTION_MADE else { return .waiting(.writable) }
            case PGRES_POLLING_OK:
                phase = .idle
                return .connected
            default: return loginFailed()
            }
        }
    }

    /// What comes without a question: notices, changed parameters, or the end.
    private func drain() -> Progress {
        guard PQconsumeInput(handle) == 1 else { return .failed(.closed) }
        // Takes apart what has come.
        _ = PQisBusy(handle)
        return PQstatus(handle) == CONNECTION_OK ? .waiting(.readable) : .failed(.closed)
    }

    private func read() -> Progress {
        guard PQconsumeInput(handle) == 1 else { return .failed(.closed) }
        var outcome: Progress?
        while PQisBusy(handle) == 0 {
            guard let result = PQgetResult(handle) else {
                phase = .idle
                return outcome ?? .failed(.closed)
            }
            outcome = outcome ?? answer(result)
            PQclear(result)
        }
        return flush()
    }

    private func flush() -> Progress {
        switch PQflush(handle) {
        case 0: .waiting(.readable)
        case 1: .waiting([.readable, .writable])
        default: .failed(.closed)
        }
    }

    private func answer(_ result: OpaquePointer) -> Progress {
        guard PQresultStatus(result) == PGRES_TUPLES_OK, PQntuples(result) == 1, PQnfields(result) == 3 else {
            return questionFailed(result)
        }
        let fields = (0..<3).map { Self.text(PQgetvalue(result, 0, $0)) }
        let role: Role = fields[0] == "t" ? .inRecovery : fields[1] == "on" ? .readOnly : .readWrite
        return .answered(Answer(role: role, maxConnections: Int(fields[2])))
    }

    // MARK: failures

    private func loginFailed() -> Progress {
        .failed(Cause(login: parameters.redacted(Self.text(PQerrorMessage(handle)))))
    }

    private func questionFailed(_ result: OpaquePointer?) -> Progress {
        if PQstatus(handle) == CONNECTION_BAD { return .failed(.closed) }
        let code = result.flatMap { PQresultErrorField($0, Self.sqlStateField) }
        let message = result.flatMap { PQresultErrorField($0, Self.primaryMessageField) }
        let text = message.map { Self.text($0) } ?? Self.text(PQerrorMessage(handle))
        return .failed(Cause(question: code.map { Self.text($0) }, message: parameters.redacted(text)))
    }

    private static let sqlStateField = Int32(UInt8(ascii: "C"))
    private static let primaryMessageField = Int32(UInt8(ascii: "M"))

    private static func text(_ bytes: UnsafePointer<CChar>?) -> String {
        bytes.map { String(cString: $0) } ?? ""
    }
}

// MARK: conninfo

extension Parameters {
    /// Parses a conninfo: keywords and values, or a URI.
    ///
    /// - Returns: nil where it is none. libpq's message is not handed on: it may quote a part of a password.
    init?(conninfo: String) {
        guard let options = PQconninfoParse(conninfo, nil) else { return nil }
        let values = Self.values(options)
        PQconninfoFree(options)
        self.init(values, places: values["service"] == nil ? nil : Self.servicePlaces(values))
    }

    /// Host, hostaddr and port of a service. Only libpq finds and reads service files, and only on its way to a
    /// connection: so one is started that it has to give up before it looks at any host.
    private static func servicePlaces(_ values: [String: String]) -> [String: String]? {
        let hopeless = values.merging(["sslmode": "none of them"]) { $1 }
        guard let handle = withKeywords(hopeless, { PQconnectStartParams($0, $1, 0) }) else { return nil }
        defer { PQfinish(handle) }
        guard let options = PQconninfo(handle) else { return nil }
        defer { PQconninfoFree(options) }
        return Self.values(options)
    }

    private static func values(_ options: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return values
    }
}

/// Calls with two arrays of C strings, each ended by nil.
private func withKeywords(
    _ values: [String: String],
    _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> OpaquePointer?
) -> OpaquePointer? {
    let keywords = values.keys.map { strdup($0) }
    let texts = values.values.map { strdup($0) }
    defer { for copy in keywords + texts { free(copy) } }
    let keywordArray = keywords.map { $0.map { UnsafePointer($0) } } + [nil]
    let textArray = texts.map { $0.map { UnsafePointer($0) } } + [nil]
    return keywordArray.withUnsafeBufferPointer { keywords in
        textArray.withUnsafeBufferPointer { texts in
            guard let keywords = keywords.baseAddress, let texts = texts.baseAddress else { return nil }
            return body(keywords, texts)
        }
    }
}
