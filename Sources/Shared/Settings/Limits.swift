// What a worker may use. Sizes are in bytes.

public struct LimitSettings: Equatable, Sendable {
    /// The value of a size without a limit.
    public static let unlimited = Int.max

    /// Resident memory of a worker and its descendants, as master samples it.
    public var memory = unlimited
    /// Open files (RLIMIT_NOFILE).
    public var files = 1024
    /// Of a core dump (RLIMIT_CORE): it would lie in the user's folder, with all the secrets of the worker in it.
    public var core = 0
    /// Nice value (setpriority(2)), 0 to 19: no worker has priority over the processes that watch it.
    public var nice = 0

    public init() {}
}

/// What a user.yaml says about limits; nil leaves the configured value.
public struct LimitOverrides: WireValue {
    public var memory: Int?
    public var files: Int?
    public var core: Int?
    public var nice: Int?

    public init() {}

    public func applied(to base: LimitSettings) -> LimitSettings {
        var result = base
        if let memory { result.memory = memory }
        if let files { result.files = files }
        if let core { result.core = core }
        if let nice { result.nice = nice }
        return result
    }

    public mutating func fields(_ coder: inout some WireCoder) throws {
        try coder.field(&memory)
        try coder.field(&files)
        try coder.field(&core)
        try coder.field(&nice)
    }
}

/// A size as it is written in settings: bytes, or a number and K, M or G (powers of 1024).
public enum ByteSize {
    private static let units: KeyValuePairs<String, Int> = ["": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30]

    /// Reads `65536`, `512M` or `2G`; nil where it is not one, or more than 999,999 of its unit.
    static func bytes(_ text: String) -> Int? {
        let number = text.prefix { $0.isASCII && $0.isNumber }
        guard let unit = units.first(where: { $0.key == text.dropFirst(number.count) })?.value else { return nil }
        let most = unit == 1 ? 12 : 6
        guard number.utf8.count <= most, let count = Int(number) else { return nil }
        return count * unit
    }

    /// For people: whole MiB, rounded up, so that what is above a limit looks so.
    public static func mebibytes(_ bytes: Int) -> String {
        "\(bytes >> 20 + (bytes & (1 << 20 - 1) == 0 ? 0 : 1)) MiB"
    }
}
