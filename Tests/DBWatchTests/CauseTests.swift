import Testing

@testable import dbwatch

/// What libpq 15 says, recorded from real servers with PQERRORS_VERBOSE.
@Test(arguments: [
    (
        "connection to server at \"127.0.0.1\", port 5998 failed: Connection refused\n\tIs the server running on that "
            + "host and accepting TCP/IP connections?\n", Cause.refused
    ),
    (
        "connection to server on socket \"/tmp/x/.s.PGSQL.1\" failed: No such file or directory\n\tIs the server "
            + "running locally and accepting connections on that socket?\n", .refused
    ),
    (login("FATAL:  57P03: the database system is starting up"), .starting),
    (login("FATAL:  57P03: the database system is in recovery mode"), .starting),
    (login("FATAL:  57P03: the database system is shutting down"), .stopping),
    (login("FATAL:  57P01: terminating connection due to administrator command"), .stopping),
    (login("FATAL:  53300: sorry, too many clients already"), .full),
    (login("FATAL:  53300: remaining connection slots are reserved for non-replication superuser connections"), .full),
    (login("FATAL:  28P01: password authentication failed for user \"x\""), .login),
    (login("FATAL:  28000: role \"nobody\" does not exist"), .login),
    (login("FATAL:  28000: pg_hba.conf rejects connection for host \"127.0.0.1\""), .login),
    (login("FATAL:  42501: permission denied for database \"x\""), .login),
    (login("fe_sendauth: no password supplied"), .login),
    (login("FATAL:  3D000: database \"nope\" does not exist"), .noDatabase),
    // Severity and text are the server's language, the code is not.
    (login("FATALE :  3D000: la base de données « nope » n'existe pas"), .noDatabase),
    (login("ВАЖНО:  53300: извините, уже слишком много клиентов"), .full),
    (login("session is read-only"), .readOnly),
    (login("server is in hot standby mode"), .inRecovery),
    (login("Connection timed out"), .timeout),
    (login("server does not support SSL, but SSL was required"), .tls),
    (login("SSL error: certificate verify failed"), .tls),
    (login("SSL error: tlsv1 alert unknown ca"), .tls),
    (login("root certificate file \"/x\" does not exist\nEither provide the file or …"), .tls),
    (login("could not open certificate file \"/x\": No such file or directory"), .tls),
    (login("server certificate for \"b\" does not match host name \"a\""), .tls),
    (login("SSL error: unexpected eof while reading"), .closed),
    (login("SSL SYSCALL error: EOF detected"), .closed),
    (login("server closed the connection unexpectedly\n\tThis probably means …"), .closed),
    (login("could not receive data from server: Connection reset by peer"), .closed),
    (login("could not create socket: Too many open files"), .shortage("could not create socket: Too many open files")),
    (
        "could not create socket: Too many open files in system\n",
        .shortage("could not create socket: Too many open files in system")
    ),
    ("out of memory", .shortage("out of memory")),
    // That is the server's own.
    (login("FATAL:  53200: out of memory"), .other("out of memory")),
    (login("No route to host\n\tIs the server running …"), .other("No route to host")),
    (login("FATAL:  XX000: something odd\nLOCATION:  f, g.c:1"), .other("something odd")),
    ("could not translate host name \"x\" to address: Name or service not known\n", .notResolved),
    ("definition of service \"x\" not found\n", .other("definition of service \"x\" not found")),
    ("", .other("failed without a message")),
])
func aFailedLoginHasACause(_ message: String, _ cause: Cause) {
    #expect(Cause(login: message) == cause)
}

private func login(_ text: String) -> String {
    "connection to server at \"127.0.0.1\", port 5432 failed: \(text)\n"
}

@Test func theLastOfSeveralHostsTells() {
    let message = login("Connection refused\n\tIs the server running …") + login("FATAL:  53300: full")
    #expect(Cause(login: message) == .full)
    #expect(Cause(login: login("FATAL:  53300: full") + login("Connection refused")) == .refused)
}

@Test func aCodeIsFoundOnlyWhereItStands() {
    #expect(Cause(login: login("FATAL:  XX000: no:  53300: in the text")) == .other("no:  53300: in the text"))
    #expect(Cause(login: login("a:  533001: b")) == .other("a:  533001: b"))
    #expect(Cause(login: ":  ") == .other(":  "))
    #expect(Cause(login: ":  53300") == .full)
}

@Test(arguments: [
    ("57014", Cause.timeout), ("25006", .readOnly), ("53300", .full), ("57P01", .closed), ("57P02", .closed),
    ("57P05", .closed), ("08006", .closed), ("42501", .login), ("XX000", .other("words")),
])
func aFailedQuestionHasACause(_ code: String, _ cause: Cause) {
    #expect(Cause(question: code, message: "words") == cause)
}

@Test func longMessagesAreCut() {
    guard case .other(let text) = Cause(login: String(repeating: "x", count: 5000)) else {
        Issue.record("not .other")
        return
    }
    #expect(text.count == 200)
}
