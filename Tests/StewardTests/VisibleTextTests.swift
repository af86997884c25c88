import Testing

@testable import steward

@Suite struct VisibleTextTests {
    @Test(arguments: [
        ("plain\ttext\n", "plain\ttext\n"),
        ("größer → 3 €", "größer → 3 €"),
        ("\u{1B}]0;owned\u{07}\u{1B}[2J", "\\u001B]0;owned\\u0007\\u001B[2J"),
        ("a\rb\u{7F}\0", "a\\u000Db\\u007F\\u0000"),
        // The eight-bit form of an escape sequence, and a turned direction of writing.
        ("\u{9B}31m \u{202E}gpj.exe", "\\u009B31m \\u202Egpj.exe"),
        ("\u{E0001}", "\\uDB40\\uDC01"),
    ])
    func whatSteersIsShown(_ text: String, _ shown: String) {
        #expect(VisibleText.of(text) == shown)
    }

    @Test func aStreamMayBeCutAnywhere() {
        let text = "a€\u{1B}ö\u{9B}𝄞\n"
        for cut in 0...text.utf8.count {
            var stream = VisibleText()
            let bytes = Array(text.utf8)
            let shown = stream.visible(Array(bytes[..<cut])) + stream.visible(Array(bytes[cut...]))
            #expect(String(decoding: shown, as: UTF8.self) == VisibleText.of(text))
        }
    }

    @Test func whatIsNoUTF8DoesNotStick() {
        var stream = VisibleText()
        #expect(stream.visible([0xFF, 0x9B, 0x41]) == Array("\u{FFFD}\u{FFFD}A".utf8))
        #expect(stream.visible([0x80, 0x80, 0x80]) == Array("\u{FFFD}\u{FFFD}\u{FFFD}".utf8))
    }
}
