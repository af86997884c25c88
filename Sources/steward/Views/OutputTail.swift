// The end of what a user's workers wrote. No I/O.

/// The last lines of the file, or why it cannot be read.
struct OutputTail: Equatable {
    /// How many lines `steward why` shows.
    static let most = 20
    /// Of one line, in bytes.
    private static let longestLine = 500

    private(set) var path: String?
    private(set) var outputLines: [String] = []
    private(set) var trouble: String?

    /// Nil where nothing has been written.
    init?(_ end: [UInt8], path: String) {
        guard !end.isEmpty else { return nil }
        self.path = path
        let newline = UInt8(ascii: "\n")
        let text = end.last == newline ? end.dropLast() : end[...]
        outputLines = text.split(separator: newline, omittingEmptySubsequences: false).map(Self.shown)
    }

    init(trouble: String) {
        self.trouble = trouble
    }

    private static func shown(_ line: ArraySlice<UInt8>) -> String {
        let text = String(decoding: line.prefix(longestLine), as: UTF8.self)
        return line.count > longestLine ? "\(text) …" : text
    }

    var lines: [String] {
        if let trouble { return ["last output: \(trouble)"] }
        return ["last output, in \(path ?? ""):"] + outputLines.map { "  \($0)" }
    }
}
