// Rows and columns of text for a terminal, and the cells that several tables have. No I/O.

enum Table {
    /// Columns as wide as their widest cell; the last one is not padded.
    static func lines(_ header: [String], _ rows: [[String]]) -> [String] {
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        return ([header] + rows).map { row in
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: max(0, width - cell.count))
            }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
    }

    static func pid(_ pid: Int32?) -> String { pid.map(String.init) ?? "-" }

    static func latency(_ milliseconds: Double?) -> String {
        milliseconds.map { "\(($0 * 10).rounded() / 10) ms" } ?? "-"
    }

    /// How long ago, in its two largest units.
    static func age(_ since: Int64, _ now: Int64) -> String {
        let seconds = max(0, (now - since) / 1000)
        return switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m\(seconds % 60)s"
        case ..<86400: "\(seconds / 3600)h\(seconds % 3600 / 60)m"
        default: "\(seconds / 86400)d\(seconds % 86400 / 3600)h"
        }
    }
}
