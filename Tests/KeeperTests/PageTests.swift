import Shared
import Testing

@testable import keeper

@Suite struct PageTests {
    @Test(
        arguments: [
            (nil, nil, Preference.html),
            ("*/*", nil, .html),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", nil, .html),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json", .html),
            ("application/json", nil, .json),
            ("application/json, text/plain, */*", nil, .json),
            ("text/html;q=0.5, application/json;q=0.9", nil, .json),
            ("text/html, application/json;q=0.9", nil, .html),
            ("application/vnd.api+json", nil, .json),
            ("application/json;q=0, */*", nil, .html),
            ("Application/JSON ; q=1", nil, .json),
            (nil, "application/json; charset=utf-8", .json),
            ("*/*", "application/json", .json),
            (nil, "application/x-www-form-urlencoded", .html),
            (",;/,q=,;;//", nil, .html),
        ] as [(String?, String?, Preference)])
    func preference(accept: String?, contentType: String?, expected: Preference) {
        #expect(Preference(accept: accept, contentType: contentType) == expected)
    }

    @Test(arguments: StandInReason.allCases) func everyReasonHasAPage(reason: StandInReason) throws {
        for preference in [Preference.html, .json] {
            let text = String(decoding: Page.answer(reason, to: RequestHead(preference: preference)), as: UTF8.self)
            let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
            let body = try #require(parts.last)
            #expect(text.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(parts[0].contains("Content-Length: \(body.utf8.count)\r\n"))
            #expect(parts[0].contains("Cache-Control: no-store"))
            #expect(parts[0].contains("Connection: close"))
            #expect(parts[0].contains("Retry-After: "))
            #expect(body.contains("This service"))
        }
    }

    @Test func jsonNamesTheReason() {
        let bytes = Page.answer(.crashLooping, to: RequestHead(preference: .json))
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("Content-Type: application/json\r\n"))
        #expect(text.contains(#""reason": "crash-looping", "retry_after": 30}"#))
    }

    @Test func headRequestGetsNoBody() {
        let whole = Page.answer(.starting, to: RequestHead())
        let head = Page.answer(.starting, to: RequestHead(isHead: true))
        #expect(whole.starts(with: head))
        #expect(head.suffix(4) == Array("\r\n\r\n".utf8)[...])
    }
}
