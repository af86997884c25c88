import Testing

@testable import Shared
@testable import SharedSystem

@Suite struct EventLineTests {
    private let event: EventRecord = with {
        $0.serial = 7
        $0.at = 1_764_085_267_042
        $0.user = UserName("alice")
        $0.text = "exit 1"
        $0.rule = "death"
    }

    @Test func theForm() {
        #expect(
            event.line == "{\"at\":\"2025-11-25T15:41:07.042Z\",\"rule\":\"death\",\"serial\":7,\"subject\":null,"
                + "\"text\":\"exit 1\",\"user\":\"alice\"}")
    }

    @Test(arguments: [
        "", "plain", "a \"quoted\" \\ one", "line\nfeed\ttab\r", "\0\u{1B}[31m\u{7F}\u{9B}", "größer 𝄞 \u{202E}",
        "{}[],:/",
    ])
    func whatIsWrittenIsRead(_ text: String) {
        var event = event
        event.text = text
        event.subject = text
        event.user = nil
        event.at = 0
        event.serial = .max
        #expect(EventRecord(line: event.line.utf8) == event)
        #expect(!event.line.contains("\n"))
    }

    @Test func aTornLineIsNone() {
        let line = Array(event.line.utf8)
        for size in 0..<line.count { #expect(EventRecord(line: line.prefix(size)) == nil) }
        #expect(EventRecord(line: line + line) == nil)
        #expect(EventRecord(line: line) == event)
    }

    @Test func aLaterVersionMayAddKeys() {
        let line = "{\"new\": -1.5e3, \"other\": true," + event.line.dropFirst()
        #expect(EventRecord(line: line.utf8) == event)
    }

    @Test(arguments: [
        "null", "[]", "{\"at\":1}", "{\"a\":\"\\ud834\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\" \"b\"}",
        "{,}",
    ])
    func nonsense(_ text: String) {
        #expect(EventRecord(line: text.utf8) == nil)
    }

    @Test func escapesOfOthersAreRead() {
        var text = JSONText(#"{"a":"\u00e4\ud834\udd1e\/\b\f"}"#.utf8)
        #expect(text.object() == ["a": .text("ä𝄞/\u{8}\u{C}")])
    }

    @Test func turnedBitsNeverCrash() {
        let line = Array(event.line.utf8)
        for bit in 0..<line.count * 8 {
            var bytes = line
            bytes[bit / 8] ^= 1 << (bit % 8)
            _ = EventRecord(line: bytes)
        }
    }
}
