// The rule for names.

import Testing

@testable import Shared

@Suite struct UserNameTests {
    @Test(arguments: ["a", "0", "-", "alice", "shop-42", String(repeating: "x", count: 40)])
    func names(_ text: String) {
        #expect(UserName(text)?.text == text)
    }

    @Test(arguments: [
        "", ".", "..", "a.b", "a/b", "A", "ä", "a b", "a_b", "a\n", "a\0", "ａ", String(repeating: "x", count: 41),
    ])
    func noNames(_ text: String) {
        #expect(UserName(text) == nil)
    }

    @Test func namesAreOrderedByTheirText() throws {
        let names = try ["b", "a-", "a", "10", "9"].map { try #require(UserName($0)) }
        #expect(names.sorted().map(\.text) == ["10", "9", "a", "a-", "b"])
    }
}
