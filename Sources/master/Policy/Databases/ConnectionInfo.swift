// A libpq connection string as the environment that a worker gets. No I/O.

import Shared

/// The parts of a connection string that a worker is told, from either of libpq's forms ("Connection Strings" in
/// PostgreSQL's manual, 34.1.1): keywords and values, or a URI.
struct ConnectionInfo: Equatable {
    private let text: String
    private var values: [String: String] = [:]

    init(_ text: String) {
        self.text = text
        values = Self.isURI(text) ? Self.uriValues(text) : Self.keywordValues(text)
    }

    /// DATABASE_URL and the PG* variables of libpq.
    var environment: [String: String] {
        var env = ["DATABASE_URL": url]
        let names = [
            "host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER",
            "password": "PGPASSWORD", "sslmode": "PGSSLMODE", "passfile": "PGPASSFILE", "service": "PGSERVICE",
        ]
        for (keyword, name) in names { env[name] = values[keyword] }
        return env
    }

    /// A number for where it leads: two connection strings with different ones may lead to different data.
    var place: UInt64 {
        var hash = Fingerprint()
        for keyword in ["host", "hostaddr", "port", "dbname", "service"] { hash.add(values[keyword] ?? "") }
        return hash.value
    }

    /// For the operator: what is known to be no secret.
    var shown: String {
        let names = ["host", "hostaddr", "port", "dbname", "user", "service", "sslmode"]
        return names.compactMap { name in values[name].map { "\(name)=\($0)" } }.joined(separator: " ")
    }

    /// A URI is passed on as it is; keywords become a URI whose host stands among the parameters, so that a socket's
    /// folder can be one.
    private var url: String {
        if Self.isURI(text) { return text }
        var rest = values
        let user = rest.removeValue(forKey: "user").map(Self.encode) ?? ""
        let password = rest.removeValue(forKey: "password").map { ":" + Self.encode($0) } ?? ""
        let database = rest.removeValue(forKey: "dbname").map(Self.encode) ?? ""
        let account = user.isEmpty && password.isEmpty ? "" : "\(user)\(password)@"
        var authority = ""
        if let host = rest["host"], !host.hasPrefix("/"), !host.contains(","), !host.contains(":") {
            authority = Self.encode(host) + (rest["port"].map { ":\($0)" } ?? "")
            rest["host"] = nil
            rest["port"] = nil
        }
        let query = rest.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.encode($0.value))" }
        let parameters = query.isEmpty ? "" : "?" + query.joined(separator: "&")
        return "postgresql://\(account)\(authority)/\(database)\(parameters)"
    }

    private static func isURI(_ text: String) -> Bool {
        text.hasPrefix("postgresql://") || text.hasPrefix("postgres://")
    }

    /// `keyword = value`, a value in single quotes where it holds spaces, a backslash before a quote or a backslash.
    private static func keywordValues(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        var rest = Substring(text)
        while true {
            rest = rest.drop(while: \.isWhitespace)
            guard let equals = rest.firstIndex(of: "=") else { return values }
            let keyword = String(rest[..<equals].filter { !$0.isWhitespace })
            rest = rest[rest.index(after: equals)...].drop(while: \.isWhitespace)
            values[keyword] = takeValue(&rest)
        }
    }

    private static func takeValue(_ rest: inout Substring) -> String {
        var value = ""
        let isQuoted = rest.first == "'"
        if isQuoted { rest.removeFirst() }
        while let character = rest.popFirst() {
            if isQuoted ? character == "'" : character.isWhitespace { break }
            value.append(character == "\\" ? rest.popFirst() ?? character : character)
        }
        return value
    }

    private static func uriValues(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        var rest = Substring(text)
        rest = rest.firstRange(of: "://").map { rest[$0.upperBound...] } ?? rest
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let place = (parts.first ?? "").split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var authority = place.first ?? ""
        if let at = authority.lastIndex(of: "@") {
            let account = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            values["user"] = account.first.map(decode)
            if account.count == 2 { values["password"] = decode(account[1]) }
            authority = authority[authority.index(after: at)...]
        }
        let hosts = authority.split(separator: ",", omittingEmptySubsequences: false).map(hostAndPort)
        values["host"] = hosts.map(\.host).joined(separator: ",")
        values["port"] = hosts.contains { !$0.port.isEmpty } ? hosts.map(\.port).joined(separator: ",") : ""
        if place.count == 2 { values["dbname"] = decode(place[1]) }
        for pair in parts.count == 2 ? parts[1].split(separator: "&") : [] {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if sides.count == 2 { values[String(sides[0])] = decode(sides[1]) }
        }
        return values.filter { !$0.value.isEmpty }
    }

    /// An IPv6 address stands in brackets.
    private static func hostAndPort(_ text: Substring) -> (host: String, port: String) {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            return (String(text[text.index(after: text.startIndex)..<end]), String(text[end...].dropFirst(2)))
        }
        let sides = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return (sides.first.map(decode) ?? "", sides.count == 2 ? String(sides[1]) : "")
    }

    private static func encode(_ text: String) -> String {
        text.utf8.map { byte in
            let character = Character(UnicodeScalar(byte))
            let isPlain = byte < 128 && (character.isLetter || character.isNumber || "-._~".contains(character))
            let hex = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(character) : "%" + (hex.count == 1 ? "0" : "") + hex
        }.joined()
    }

    private static func decode(_ text: some StringProtocol) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
