import Testing

@testable import dbwatch

private func connection(
    _ conninfo: String, _ addresses: [String: [String]] = [:], turn: Int = 0, isKept: Bool = true
) throws -> [String: String] {
    let parameters = try #require(Parameters(conninfo: conninfo))
    return try #require(parameters.connection(addresses, turn: turn, timeout: .seconds(2), isKept: isKept))
}

private let named: [(String, Set<String>)] = [
    ("host=127.0.0.1 dbname=x", []), ("host=::1", []), ("host=/run/postgresql", []), ("host=@abstract", []),
    ("dbname=x", []), ("host=db.example hostaddr=10.0.0.1", []), ("host=localhost", ["localhost"]),
    ("host=a,127.0.0.1,/tmp,b", ["a", "b"]), ("postgresql://me:secret@db.example:5433/x", ["db.example"]),
    ("postgresql://%2Frun%2Fpostgresql/x", []), ("host=a,b hostaddr=,10.0.0.2", ["a"]),
]

@Test(arguments: named)
func onlyNamesAreResolved(_ conninfo: String, _ names: Set<String>) throws {
    #expect(try #require(Parameters(conninfo: conninfo)).names == names)
}

@Test func eachAddressOfANameIsAPlaceOfItsOwn() throws {
    let addresses = ["a": ["10.0.0.1", "fe80::1"], "b": []]
    let values = try connection("host=a,b,/tmp port=1,2,3 user=me", addresses)
    #expect(values["host"] == "a,a,/tmp")
    #expect(values["hostaddr"] == "10.0.0.1,fe80::1,")
    #expect(values["port"] == "1,1,3")
    #expect(values["user"] == "me")
}

@Test func whoTimedOutIsTriedLast() throws {
    #expect(try connection("host=10.0.0.1,10.0.0.2 port=1,2", turn: 1)["host"] == "10.0.0.2,10.0.0.1")
    #expect(try connection("host=10.0.0.1,10.0.0.2 port=1,2", turn: 3)["port"] == "2,1")
    #expect(try connection("host=10.0.0.1,10.0.0.2 port=7", turn: 2)["port"] == "7,7")
}

@Test func aNameWithoutAddressesLeavesNothing() throws {
    let parameters = try #require(Parameters(conninfo: "host=a"))
    #expect(parameters.connection(["a": []], turn: 0, timeout: .seconds(1), isKept: true) == nil)
}

@Test func theConninfoWinsOverTheDefaults() throws {
    let plain = try connection("host=/tmp")
    #expect(plain["application_name"] == "steward")
    #expect(plain["keepalives"] == "1")
    #expect(plain["tcp_user_timeout"] == "2000")
    let brief = try connection("host=/tmp", isKept: false)
    #expect(brief["keepalives"] == "0")
    #expect(brief["tcp_user_timeout"] == nil)
    #expect(plain["options"] == "-c statement_timeout=2000")
    let own = try connection("application_name=x keepalives_idle=77 options='-c work_mem=1MB'")
    #expect(own["application_name"] == "x")
    #expect(own["keepalives_idle"] == "77")
    #expect(own["options"] == "-c work_mem=1MB -c statement_timeout=2000")
    #expect(try connection("options='-c statement_timeout=5'")["options"] == "-c statement_timeout=5")
}

@Test(arguments: ["host", "postgresql://[", "nonsense=1", "password=half a secret"])
func whatIsNoConninfoIsRefused(_ conninfo: String) {
    #expect(Parameters(conninfo: conninfo) == nil)
}

@Test func passwordsAreTakenOut() throws {
    let parameters = try #require(Parameters(conninfo: "host=a password='s3 cret' sslpassword=key"))
    #expect(parameters.redacted("with s3 cret and key") == "with *** and ***")
    #expect(try #require(Parameters(conninfo: "host=a password=''")).redacted("text") == "text")
}
