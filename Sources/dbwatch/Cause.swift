// Why a login or a question failed, told by SQLSTATE and errno. Pure: nothing here depends on the server's language,
// except for the difference between a server that starts and one that stops, which PostgreSQL tells in words only.

import Glibc

/// What a database is unavailable for, or what raises doubt.
enum Cause: Hashable, Sendable {
    /// No server listens there.
    case refused
    /// No answer in time.
    case timeout
    case starting
    case stopping
    /// No connection is left for this login.
    case full
    /// The password, the role or pg_hba.conf.
    case login
    case noDatabase
    case readOnly
    case inRecovery
    case notResolved
    /// One side asks for encryption that the other does not have, or a certificate is not trusted.
    case tls
    /// The connection ended before it answered.
    case closed
    /// This process has no descriptor or memory for a connection: that tells nothing about the database.
    case shortage(String)
    /// The first line of the message, without passwords.
    case other(String)

    /// A definite cause is believed the first time; of the others `fall` in a row are needed.
    var isDefinite: Bool {
        switch self {
        case .refused, .starting, .stopping, .full, .login, .noDatabase, .readOnly, .inRecovery, .notResolved, .tls:
            true
        case .timeout, .closed, .shortage, .other: false
        }
    }
}

extension Cause: CustomStringConvertible {
    var description: String {
        switch self {
        case .refused: "refused"
        case .timeout: "timeout"
        case .starting: "starting"
        case .stopping: "stopping"
        case .full: "full"
        case .login: "login refused"
        case .noDatabase: "no such database"
        case .readOnly: "read-only"
        case .inRecovery: "in recovery"
        case .notResolved: "not resolved"
        case .tls: "TLS failed"
        case .closed: "connection closed"
        case .shortage(let text), .other(let text): text
        }
    }
}

// MARK: from libpq

extension Cause {
    /// Of a login that failed.
    ///
    /// - Parameter message: libpq's, with PQERRORS_VERBOSE, so that the SQLSTATE stands in it. It holds a passage for
    ///   each address that was tried; the last one tells.
    init(login message: String) {
        let attempt = Self.lastAttempt(message)
        if let code = Self.sqlState(attempt) {
            self = Self(sqlState: code, message: attempt)
        } else {
            self = Self(plain: attempt)
        }
    }

    /// Of a question that failed on an open connection. What ends the session there is an end of the connection, and
    /// says nothing about the server.
    init(question sqlState: String?, message: String) {
        switch sqlState {
        case "57P01", "57P02", "57P04", "57P05": self = .closed
        case let code?: self = Self(sqlState: code, message: message)
        case nil: self = Self(plain: message)
        }
    }

    private init(sqlState: String, message: String) {
        switch sqlState {
        // cannot_connect_now says both, and the words are the server's.
        case "57P03": self = message.contains("shutting down") ? .stopping : .starting
        case "57P01", "57P02": self = .stopping
        case "53300": self = .full
        case "3D000": self = .noDatabase
        // Also what a role without the privilege CONNECT is told.
        case "42501": self = .login
        case "25006": self = .readOnly
        case "57014": self = .timeout
        default:
            if sqlState.hasPrefix("28") {
                self = .login
            } else if sqlState.hasPrefix("08") {
                self = .closed
            } else {
                self = .other(Self.firstLine(message))
            }
        }
    }

    /// A message without SQLSTATE is libpq's own, in English, with the text of an errno where a call has failed.
    private init(plain message: String) {
        let known = Self.phrases.first { message.contains($0.phrase) }
        let isShortage = Self.shortages.contains { message.contains($0) }
        self = known?.cause ?? (isShortage ? .shortage(Self.firstLine(message)) : .other(Self.firstLine(message)))
    }

    /// Of a call of this process that has failed.
    init(_ error: any Error) {
        self.init(plain: "\(error)")
    }

    /// The first one that is found tells.
    private static let phrases: [(phrase: String, cause: Cause)] = [
        // Also that the file of one is missing.
        ("certificate", .tls),
        ("private key file", .tls),
        ("server does not support SSL", .tls),
        (text(ECONNREFUSED), .refused),
        // A Unix socket that is not there.
        (text(ENOENT), .refused),
        (text(ETIMEDOUT), .timeout),
        // The backlog of a Unix socket is full: the server does not accept.
        (text(EAGAIN), .timeout),
        (text(ENOTCONN), .timeout),
        (text(ECONNRESET), .closed),
        (text(EPIPE), .closed),
        ("server closed the connection unexpectedly", .closed),
        ("SSL connection has been closed unexpectedly", .closed),
        ("EOF detected", .closed),
        ("unexpected eof", .closed),
        ("SSL error", .tls),
        ("no password supplied", .login),
        ("session is read-only", .readOnly),
        ("server is in hot standby mode", .inRecovery),
        ("could not translate host name", .notResolved),
    ]

    private static let shortages =
        [EMFILE, ENFILE, ENOMEM, ENOBUFS, ENOSPC].map { text($0) } + ["out of memory"]

    private static func text(_ code: Int32) -> String {
        strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }

    // MARK: reading messages

    private static func lastAttempt(_ message: String) -> String {
        let lines = message.split(separator: "\n")
        let start = lines.lastIndex { $0.hasPrefix("connection to server ") || $0.hasPrefix("could not translate") }
        return lines[(start ?? 0)...].joined(separator: "\n")
    }

    /// The five characters in `SEVERITY:  CODE: text`, where the severity may be in any language.
    private static func sqlState(_ message: String) -> String? {
        let line = Array((message.split(separator: "\n").first ?? "").utf8)
        let mark = Array(":  ".utf8)
        guard line.count >= mark.count + 5 else { return nil }
        for start in 0...(line.count - mark.count - 5) where line[start..<start + mark.count].elementsEqual(mark) {
            let end = start + mark.count + 5
            let code = line[start + mark.count..<end]
            let isWhole = end == line.count || line[end] == UInt8(ascii: ":")
            if isWhole, code.allSatisfy(isCodeCharacter) { return String(decoding: code, as: UTF8.self) }
        }
        return nil
    }

    private static func isCodeCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        default: false
        }
    }

    /// The first line without the address, severity and code before it, and of bounded length.
    private static func firstLine(_ message: String) -> String {
        var line = message.split(separator: "\n").first.map(String.init) ?? ""
        if line.hasPrefix("connection to server "), let failed = line.firstRange(of: " failed: ") {
            line = String(line[failed.upperBound...])
        }
        if let code = sqlState(line), let place = line.firstRange(of: ":  \(code): ") {
            line = String(line[place.upperBound...])
        }
        return line.isEmpty ? "failed without a message" : String(line.prefix(200))
    }
}
