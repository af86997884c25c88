// The groups of settings that the configuration and a user.yaml have in common.

extension Setting {
    /// `{path, interval, timeout, fall, rise}`: how a service is checked. What is left out stays nil.
    func check() throws -> CheckOverrides {
        try table { table in
            var check = CheckOverrides()
            try table.read("path", into: &check.path) { try $0.requestPath() }
            try table.read("interval", into: &check.interval) { try $0.span() }
            try table.read("timeout", into: &check.timeout) { try $0.span() }
            try table.read("fall", into: &check.fall) { try $0.integer(1...1000) }
            try table.read("rise", into: &check.rise) { try $0.integer(1...1000) }
            return check
        }
    }

    /// `{memory, files, core, nice}`: what a worker may use. What is left out stays nil.
    func limits() throws -> LimitOverrides {
        try table { table in
            var limits = LimitOverrides()
            try table.read("memory", into: &limits.memory) { try $0.size(atLeast: 1 << 20, "1M") }
            try table.read("files", into: &limits.files) { try $0.integer(16...1_048_576) }
            try table.read("core", into: &limits.core) { try $0.size() }
            try table.read("nice", into: &limits.nice) { try $0.integer(0...19) }
            return limits
        }
    }

    /// An account that workers may run as. Launch refuses uid 0, too; here the place in the file can be told.
    func account(_ isRoot: (String) -> Bool) throws -> String {
        let name = try name()
        guard !isRoot(name) else { throw mismatch("an account other than root's") }
        return name
    }

    /// Variables of a worker's environment. Those that Steward itself sets for the protocol with the worker are refused.
    func environment() throws -> [String: String] {
        try entries().reduce(into: [:]) { variables, entry in
            let name = entry.name.text
            guard Self.isVariable(name) else {
                throw entry.name.fault("found \(Self.quoted(name)), expected a name of letters, digits and _")
            }
            guard !Self.isReserved(name) else { throw entry.name.fault("'\(name)' is set by Steward itself") }
            variables[name] = try entry.value.string()
        }
    }

    /// The path of an HTTP request; empty for none.
    func requestPath() throws -> String {
        let path = try string()
        let isClean = path.utf8.allSatisfy { (0x21...0x7E).contains($0) } && path.utf8.count <= 1024
        guard isClean, path.isEmpty || path.utf8.first == UInt8(ascii: "/") else {
            throw mismatch("a path that begins with / and has no spaces, or \"\" for no checks")
        }
        return path
    }

    private static func isReserved(_ name: String) -> Bool {
        name.hasPrefix("STEWARD_") || name.hasPrefix("LISTEN_") || name == "NOTIFY_SOCKET"
    }

    private static func isVariable(_ name: String) -> Bool {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let first = name.utf8.first, !digits.contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), digits,
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
