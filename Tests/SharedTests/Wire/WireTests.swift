import Testing

@testable import Shared

/// One field of each kind, so that every overload of `field` is walked over.
private struct Everything: WireValue {
    var flag = false
    var small: UInt8 = 0
    var signed32: Int32 = 0
    var unsigned32: UInt32 = 0
    var signed64: Int64 = 0
    var unsigned64: UInt64 = 0
    var plain = 0
    var real = 0.0
    var time = Duration.zero
    var text = ""
    var plan = Plan.free
    var maybeText: String?
    var maybeWide: UInt64?
    var maybePlain: Int?
    var maybe32: Int32?
    var maybeReal: Double?
    var maybeTime: Duration?
    var maybeName: UserName?
    var texts: [String] = []
    var maybeTexts: [String]?
    var names: [UserName] = []
    var table: [String: String] = [:]

    mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&flag)
        try coder.field(&small)
        try coder.field(&signed32)
        try coder.field(&unsigned32)
        try coder.field(&signed64)
        try coder.field(&unsigned64)
        try coder.field(&plain)
        try coder.field(&real)
        try coder.field(&time)
        try coder.field(&text)
        try coder.field(&plan)
        try coder.field(&maybeText)
        try coder.field(&maybeWide)
        try coder.field(&maybePlain)
        try coder.field(&maybe32)
        try coder.field(&maybeReal)
        try coder.field(&maybeTime)
        try coder.field(&maybeName)
        try coder.field(&texts)
        try coder.field(&maybeTexts)
        try coder.field(&names)
        try coder.field(&table)
    }
}

/// One field of a chosen kind.
private struct Box<Value: WireField>: WireValue {
    var value = Value.blank

    init() {}

    init(_ value: Value) {
        self.value = value
    }

    mutating func fields(_ coder: inout some WireCoder) throws {
        try Value.walk(&value, &coder)
    }
}

private protocol WireField: Equatable, Sendable {
    static var blank: Self { get }
    static func walk(_ value: inout Self, _ coder: inout some WireCoder) throws
}

extension Bool: WireField {
    static let blank = false
    static func walk(_ value: inout Self, _ coder: inout some WireCoder) throws { try coder.field(&value) }
}
extension Int: WireField {
    static let blank = 0
    static func walk(_ value: inout Self, _ coder: inout some WireCoder) throws { try coder.field(&value) }
}
extension Int32: WireField {
    static let blank: Int32 = 0
    static func walk(_ value: inout Self, _ coder: inout some WireCoder) throws { try coder.field(&value) }
}
extension Double: WireField {
    static let blank = 0.0
    static func walk(_ value: inout Self, _ coder: inout some WireCoder) throws { try coder.field(&value) }
}
extension Duration: WireField {
    static let blank = Duration.zero
    static func walk(_ value: inout Self, _ coder: inout some WireCoder) throws { try coder.field(&value) }
}
extension String: WireField {
    static let blank = ""
    static func walk(_ value: inout Self, _ coder: inout some WireCoder) throws { try coder.field(&value) }
}
extension Plan: WireField {
    static let blank = Plan.free
    static func walk(_ value: inout Self, _ coder: inout some WireCoder) throws { try coder.field(&value) }
}
extension UserName: WireField {
    static let blank = UserName()
    static func walk(_ value: inout Self, _ coder: inout some WireCoder) throws { try coder.field(&value) }
}
extension Optional: WireField where Wrapped == String {
    static let blank: String? = nil
    static func walk(_ value: inout Self, _ coder: inout some WireCoder) throws { try coder.field(&value) }
}
extension Array: WireField where Element == String {
    static let blank: [String] = []
    static func walk(_ value: inout Self, _ coder: inout some WireCoder) throws { try coder.field(&value) }
}
extension Dictionary: WireField where Key == String, Value == String {
    static let blank: [String: String] = [:]
    static func walk(_ value: inout Self, _ coder: inout some WireCoder) throws { try coder.field(&value) }
}

@Suite struct WireTests {
    private func written(_ value: some WireValue) throws -> [UInt8] {
        var writer = WireWriter()
        var value = value
        try value.fields(&writer)
        return writer.bytes
    }

    private func read<Value: WireValue>(_ bytes: [UInt8], as type: Value.Type = Value.self) throws -> Value {
        var reader = WireReader(bytes[...])
        let value: Value = try reader.value()
        try reader.finish()
        return value
    }

    private func pin<Value: WireField>(_ value: Value, _ golden: String, at place: SourceLocation = #_sourceLocation) {
        #expect(throws: Never.self, sourceLocation: place) {
            let encoded = hex(try written(Box(value)))
            let decoded = try read(bytes(golden), as: Box<Value>.self).value
            #expect(encoded == golden, sourceLocation: place)
            #expect(decoded == value, sourceLocation: place)
        }
    }

    @Test func fieldsAreBigEndianAndPlain() {
        pin(false, "00")
        pin(true, "01")
        pin(0x0102_0304 as Int32, "01020304")
        pin(-2 as Int32, "fffffffe")
        pin(258, "0000000000000102")
        pin(-1, "ffffffffffffffff")
        pin(1.5, "3ff8000000000000")
        pin(-0.5, "bfe0000000000000")
        pin(Duration.milliseconds(1), "00000000000f4240")
        pin(Duration.seconds(-1), "ffffffffc4653600")
        pin("", "0000")
        pin("aé", "000361c3a9")
        pin("\0\n", "0002000a")
        pin(Plan.paid, "01")
        pin(UserName("bob") ?? UserName(), "0003626f62")
        pin(nil as String?, "00")
        pin("x" as String?, "01000178")
        pin(["a", ""], "0002" + "000161" + "0000")
        pin(["b": "2", "a": "1"], "0002" + "000161" + "000162" + "0002" + "000131" + "000132")
    }

    @Test func everyKindOfFieldMakesTheRoundTrip() throws {
        var full = Everything()
        full.flag = true
        full.small = 255
        full.signed32 = .min
        full.unsigned32 = .max
        full.signed64 = .min
        full.unsigned64 = .max
        full.plain = .min
        full.real = -0.0
        full.time = .nanoseconds(Int64.max)
        full.text = "Rechnung №1 ✓"
        full.plan = .paid
        full.maybeText = ""
        full.maybeWide = .max
        full.maybePlain = -7
        full.maybe32 = -7
        full.maybeReal = .leastNonzeroMagnitude
        full.maybeTime = .nanoseconds(Int64.min)
        full.maybeName = UserName("a-1")
        full.texts = ["one", "", "three"]
        full.maybeTexts = []
        full.names = [UserName("x"), UserName("y")].compactMap { $0 }
        full.table = ["k": "v", "": "empty key", "z": ""]
        #expect(try read(written(full)) == full)
        #expect(try read(written(Everything())) == Everything())
    }

    /// A blank that is not empty leaves nothing of itself behind.
    @Test func readingReplacesWhatWasThere() throws {
        var reader = WireReader(try written(Box(["new"]))[...])
        var box = Box(["old", "older"])
        try box.fields(&reader)
        #expect(box.value == ["new"])
    }

    @Test func everyPrefixIsTruncated() throws {
        var value = Everything()
        value.maybeText = "t"
        value.texts = ["a", "b"]
        value.table = ["k": "v"]
        let whole = try written(value)
        for size in 0..<whole.count {
            #expect(throws: WireError.truncated) { try read(Array(whole.prefix(size)), as: Everything.self) }
        }
        #expect(throws: WireError.trailing(2)) { try read(whole + [0, 0], as: Everything.self) }
    }

    @Test func impossibleValuesAreInvalid() {
        #expect(throws: WireError.invalid("truth value 2")) { try read([2], as: Box<Bool>.self) }
        #expect(throws: WireError.invalid("truth value 255")) { try read([255], as: Box<String?>.self) }
        #expect(throws: WireError.invalid("number")) { try read(bytes("7ff0000000000000"), as: Box<Double>.self) }
        #expect(throws: WireError.invalid("number")) { try read(bytes("7ff8000000000000"), as: Box<Double>.self) }
        #expect(throws: WireError.invalid("Plan 9")) { try read([9], as: Box<Plan>.self) }
        #expect(throws: WireError.invalid("table")) {
            try read(bytes("0001000161" + "0000"), as: Box<[String: String]>.self)
        }
    }

    @Test(arguments: ["0001ff", "0002c3", "0003eda080", "0002c080"])
    func textIsValidUTF8(golden: String) {
        // A stray byte, a cut sequence (the length lies: truncated), a surrogate, an overlong zero.
        #expect(throws: WireError.self) { try read(bytes(golden), as: Box<String>.self) }
    }

    @Test(arguments: ["", "Alice", "a/b", "..", "a b", "ä", "a\0", String(repeating: "x", count: 41)])
    func namesKeepTheirRule(name: String) throws {
        let encoded = try written(Box(name))
        #expect(throws: WireError.invalid("user name '\(name)'")) { try read(encoded, as: Box<UserName>.self) }
    }

    @Test func announcedCountReservesNothing() {
        // 65,535 elements announced and none there.
        #expect(throws: WireError.truncated) { try read(bytes("ffff"), as: Box<[String]>.self) }
    }

    @Test func boundsOfTextAndLists() throws {
        let longest = String(repeating: "x", count: 65_535)
        #expect(try read(written(Box(longest)), as: Box<String>.self).value == longest)
        #expect(throws: WireError.oversized(65_536)) { try written(Box(longest + "x")) }
        #expect(throws: WireError.oversized(65_536)) { try written(Box([String](repeating: "", count: 65_536))) }
    }

    /// A duration of a hostile peer ends as a deadline that never comes, or that has come.
    @Test func extremeDurationsMakeDeadlines() {
        let now = Instant(nanoseconds: 5)
        #expect(now + .nanoseconds(Int64.max) == Instant(nanoseconds: .max))
        #expect(Instant(nanoseconds: -5) + .nanoseconds(Int64.min) == Instant(nanoseconds: .min))
        #expect(now + .nanoseconds(-7) == Instant(nanoseconds: -2))
    }
}
