import Testing

@testable import Shared

@Suite struct ClippingTests {
    @Test(arguments: [
        ("", 0, ""), ("abc", 3, "abc"), ("abcd", 3, "abc…"), ("abc", 0, "…"), ("€€", 6, "€€"), ("€€", 5, "€…"),
        ("€€", 3, "€…"), ("€€", 2, "…"), ("a𝄞", 4, "a…"),
    ])
    func aTextIsCutBetweenCharacters(_ text: String, _ bytes: Int, _ clipped: String) {
        #expect(text.clipped(to: bytes) == clipped)
    }

    @Test(arguments: [(0, ""), (1, "1"), (2, "1, 2"), (3, "1, 2 and 1 more"), (100, "1, 2 and 98 more")])
    func theFirstNamesAreListed(_ count: Int, _ text: String) {
        #expect((0..<count).map { "\($0 + 1)" }.listed(atMost: 2) == text)
    }
}
