// Durations as they are written in settings: a number and ms, s, m or h.

extension Duration {
    private static let units: KeyValuePairs<String, Int64> = [
        "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000,
    ]

    /// Longer than anything that Steward waits for: a year.
    private static let longest = Duration.seconds(365 * 24 * 3600)

    /// Reads `500ms`, `1.5s`, `2m` or `1h`; nil where it is not one, or longer than a year.
    public init?(setting text: String) {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let unit = Self.units.first(where: { $0.key == text.dropFirst(number.count) })?.value,
            let whole = parts.first, (1...10).contains(whole.count), let count = Int64(whole)
        else { return nil }
        var nanoseconds = count.multipliedReportingOverflow(by: unit)
        if parts.count == 2 {
            guard (1...6).contains(parts[1].count), let fraction = Int64(parts[1]) else { return nil }
            let scale = (0..<parts[1].count).reduce(Int64(1)) { scale, _ in scale * 10 }
            nanoseconds.partialValue += fraction * unit / scale
        }
        let duration = Duration.nanoseconds(nanoseconds.partialValue)
        guard !nanoseconds.overflow, duration <= Self.longest else { return nil }
        self = duration
    }

    /// As it would be written, in the largest unit that leaves no fraction. For whole milliseconds.
    public var setting: String {
        let unit = Self.units.reversed().first { nanoseconds % $0.value == 0 && nanoseconds >= $0.value }
        guard let unit else { return "0s" }
        return "\(nanoseconds / unit.value)\(unit.key)"
    }
}
