// How a database is reached: the conninfo as keywords and values, and what is made of it for one connection. Pure.

import Glibc
import Shared

/// The parameters of a conninfo, as libpq has parsed it.
struct Parameters: Equatable, Sendable {
    /// One place to try: entries of host, hostaddr and port that belong together. An empty part is libpq's default.
    struct Host: Equatable, Sendable {
        var name = ""
        var address = ""
        var port = ""

        /// Whether the name has to be resolved: neither an address, nor the folder of a Unix socket (libpq takes a path
        /// or an abstract name).
        var isName: Bool {
            guard address.isEmpty, let first = name.first, first != "/", first != "@" else { return false }
            var room = in6_addr()
            return inet_pton(AF_INET, name, &room) != 1 && inet_pton(AF_INET6, name, &room) != 1
        }
    }

    let hosts: [Host]
    private let values: [String: String]

    /// - Parameters:
    ///   - values: what the conninfo says.
    ///   - places: host, hostaddr and port where they come from elsewhere (a service file).
    init(_ values: [String: String], places: [String: String]? = nil) {
        self.values = values
        let places = places ?? values
        func list(_ keyword: String) -> [String] {
            guard let text = places[keyword], !text.isEmpty else { return [] }
            return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"))
        let count = max(names.count, addresses.count)
        // Lists of different lengths are libpq's to refuse.
        let isEven = (names.isEmpty || addresses.isEmpty || names.count == addresses.count)
        let portsFit = ports.count <= 1 || ports.count == count
        guard isEven && portsFit else {
            hosts = []
            return
        }
        hosts = (0..<count).map { index in
            Host(
                name: names.isEmpty ? "" : names[index], address: addresses.isEmpty ? "" : addresses[index],
                port: ports.count == 1 ? ports[0] : ports.isEmpty ? "" : ports[index])
        }
    }

    /// The host names that have to be resolved before a connection can be started.
    var names: Set<String> { Set(hosts.lazy.filter(\.isName).map(\.name)) }

    /// What libpq is given for one connection.
    ///
    /// libpq would resolve names itself, and wait for the answer: so each address of a name becomes a place of its own.
    ///
    /// - Parameters:
    ///   - addresses: of each of `names`; a name without addresses is left out.
    ///   - turn: with how many places a connection has timed out. An asynchronous connection waits for its first place
    ///     for ever, so each one begins with the next place.
    ///   - isKept: whether the connection stays open between questions. What does not is ended by its deadline, and needs
    ///     no care of the kernel's.
    /// - Returns: nil where no place is left.
    func connection(_ addresses: [String: [String]], turn: Int, timeout: Duration, isKept: Bool) -> [String: String]? {
        var result = values.merging(Self.defaults) { mine, _ in mine }
        result.merge(isKept ? keepalives(timeout) : ["keepalives": "0"]) { mine, _ in mine }
        result["options"] = options(timeout)
        guard !hosts.isEmpty else { return result }
        let places = hosts.flatMap { host in
            guard host.isName else { return [host] }
            return addresses[host.name, default: []].map { Host(name: host.name, address: $0, port: host.port) }
        }
        guard !places.isEmpty else { return nil }
        let first = turn % places.count
        let order = places[first...] + places[..<first]
        func joined(_ part: KeyPath<Host, String>) -> String? {
            order.allSatisfy { $0[keyPath: part].isEmpty }
                ? nil : order.map { $0[keyPath: part] }.joined(separator: ",")
        }
        result["host"] = joined(\.name)
        result["hostaddr"] = joined(\.address)
        result["port"] = joined(\.port)
        return result
    }

    /// `text` without the passwords that it may hold.
    func redacted(_ text: String) -> String {
        ["password", "sslpassword"].reduce(text) { text, keyword in
            guard let secret = values[keyword], !secret.isEmpty else { return text }
            return text.replacing(secret, with: "***")
        }
    }

    private static let defaults = [
        "application_name": "steward",
        // Not even a look for Kerberos tickets, which may ask the network.
        "gssencmode": "disable",
    ]

    /// For a connection whose other end may go away while nothing is asked.
    private func keepalives(_ timeout: Duration) -> [String: String] {
        [
            "keepalives": "1", "keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3",
            // Keepalives do not cover data that is never acknowledged.
            "tcp_user_timeout": "\(max(1, Int(timeout.milliseconds)))",
        ]
    }

    /// The server gives up a question when dbwatch no longer waits for the answer.
    private func options(_ timeout: Duration) -> String {
        let own = values["options"] ?? ""
        if own.contains("statement_timeout") { return own }
        return (own.isEmpty ? "" : own + " ") + "-c statement_timeout=\(max(1, Int(timeout.milliseconds)))"
    }
}
