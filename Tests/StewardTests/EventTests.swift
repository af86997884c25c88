// `steward events`, and the lines of `steward why` below the explanation.

import Shared
import SharedSystem
import Testing

@testable import steward

let events: [EventRecord] = [
    with {
        $0.serial = 1
        $0.at = ago(10)
        $0.user = name("alice")
        $0.text = "died: signal 11"
        $0.rule = "exit"
    },
    with {
        $0.serial = 2
        $0.at = ago(9) + 7
        $0.subject = "dbwatch"
        $0.text = "is up"
        $0.rule = "watcher"
    },
    with {
        $0.serial = .max
        $0.at = ago(8)
        $0.text = "quote \" backslash \\ escape \u{1B}[2J データ"
        $0.rule = "reload"
    },
]

@Suite struct EventTests {
    @Test func eachIsALine() {
        expectGolden(events.map(\.shown), "events")
        expectGolden(events.map(\.line).joined(separator: "\n"), "events.jsonl")
    }

    @Test(arguments: [
        ("10m", now - 600_000), ("0s", now), ("2026-03-01T12:00:00Z", now), ("2026-03-01T13:00:00+01:00", now),
        ("yesterday", nil), ("", nil), ("2026-03-01", nil),
    ])
    func sinceIsATimeOrADuration(_ text: String, _ time: Int64?) {
        #expect(Events.time(text, now: now) == time)
    }
}

@Suite struct OutputTailTests {
    private func tail(_ text: String) -> [String]? {
        OutputTail(Array(text.utf8), path: "/logs/alice.log")?.lines
    }

    @Test func linesAreIndented() {
        #expect(tail("one\n\nthree\n") == ["last output, in /logs/alice.log:", "  one", "  ", "  three"])
        #expect(tail("half") == ["last output, in /logs/alice.log:", "  half"])
        #expect(tail("\n") == ["last output, in /logs/alice.log:", "  "])
        #expect(tail("") == nil)
    }

    @Test func aLongLineIsCut() {
        #expect(tail(String(repeating: "x", count: 500))?.last == "  " + String(repeating: "x", count: 500))
        #expect(tail(String(repeating: "x", count: 501))?.last == "  " + String(repeating: "x", count: 500) + " …")
        #expect(
            tail(String(repeating: "€", count: 200))?.last == "  " + String(repeating: "€", count: 166) + "\u{FFFD} …")
    }

    @Test func whatCannotBeReadIsTold() {
        #expect(
            OutputTail(trouble: "open /logs/alice.log: Permission denied").lines
                == ["last output: open /logs/alice.log: Permission denied"])
    }
}
