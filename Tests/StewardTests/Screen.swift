// What the operator sees on a terminal of so many columns.

import Testing

@testable import steward

/// Shows lines as the command prints them on a terminal, which goes on in the next row where one is full.
struct Screen {
    let columns: Int

    func shows(_ lines: [String]) -> String {
        lines.joined(separator: "\n").split(separator: "\n", omittingEmptySubsequences: false)
            .flatMap { rows(VisibleText.of(String($0))) }.joined(separator: "\n")
    }

    private func rows(_ line: String) -> [String] {
        var rows: [String] = []
        var (row, width) = ("", 0)
        for character in line {
            let more = Self.width(character)
            if width + more > columns {
                rows.append(row)
                (row, width) = ("", 0)
            }
            row.append(character)
            width += more
        }
        return rows + [row]
    }

    /// Two columns for the wide characters of East Asia and for pictures (Unicode, annex 11).
    private static func width(_ character: Character) -> Int {
        switch character.unicodeScalars.first?.value ?? 0 {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0x1F300...0x1FAFF:
            2
        default: 1
        }
    }
}

@Suite struct ScreenTests {
    @Test func longLinesGoOnInTheNextRow() {
        #expect(Screen(columns: 4).shows(["abcdefghi", "", "数据库x"]) == "abcd\nefgh\ni\n\n数据\n库x")
    }
}
