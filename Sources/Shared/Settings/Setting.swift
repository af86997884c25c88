// A value that an operator wrote, taken as what it has to be.
//
// Every reader below answers the value or throws one ConfigurationError that names the key, what was found and what was
// expected. A text where a map or a list belongs is not repeated in the error: it may hold a password.

/// Notes every key that is asked for: what a file may say is known from its readers alone.
final class AskedKeys {
    var keys: [String] = []
}

/// One value of a file of settings.
public struct Setting {
    let file: String
    /// The keys that lead here, joined by dots; empty for the whole file.
    let key: String
    let node: YAMLNode
    private let asked: AskedKeys?

    /// A file without any content is an empty map.
    init(text: String, file: String, asked: AskedKeys? = nil) throws {
        self.file = file
        self.asked = asked
        key = ""
        let empty = YAMLNode(place: TextPlace(line: 1, column: 1), content: .map([]))
        let root = try YAMLNode.parse(text, file: file) ?? empty
        node = root.isNull ? empty : root
    }

    init(file: String, key: String, node: YAMLNode, asked: AskedKeys? = nil) {
        self.file = file
        self.key = key
        self.node = node
        self.asked = asked
    }

    func noteAsked(_ name: String) { asked?.keys.append(key(name)) }

    /// Null means the default, as does a key that is not there.
    var isNull: Bool { node.isNull }

    func string() throws -> String {
        guard case .text(let text, _) = node.content, !isNull else { throw mismatch("a text") }
        // What ends a string for the kernel would cut a path or a variable short.
        guard !text.utf8.contains(0) else { throw mismatch("a text without NUL") }
        return text
    }

    func boolean() throws -> Bool {
        switch try? string() {
        case "true": true
        case "false": false
        default: throw mismatch("true or false")
        }
    }

    func integer(_ range: ClosedRange<Int>) throws -> Int {
        guard let value = (try? string()).flatMap({ Int($0) }), range.contains(value) else {
            throw mismatch("a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func number(_ range: ClosedRange<Double>) throws -> Double {
        guard let value = (try? string()).flatMap({ Double($0) }), range.contains(value) else {
            throw mismatch("a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A number and ms, s, m or h.
    func duration(atLeast least: Duration = .zero) throws -> Duration {
        guard let value = (try? string()).flatMap({ Duration(setting: $0) }) else {
            throw mismatch("a duration such as 500ms, 10s, 2m or 1h")
        }
        guard value >= least else { throw mismatch("at least \(least.setting)") }
        return value
    }

    /// Bytes, or a number and K, M or G; or `unlimited`.
    ///
    /// - Parameter least: in bytes, with its name in errors.
    func size(atLeast least: Int = 0, _ name: String = "0") throws -> Int {
        let text = try? string()
        if text == "unlimited" { return LimitSettings.unlimited }
        guard let value = text.flatMap(ByteSize.bytes) else { throw mismatch("a size such as 512M, or unlimited") }
        guard value >= least else { throw mismatch("at least \(name)") }
        return value
    }

    /// A duration that must take some time.
    func span() throws -> Duration { try duration(atLeast: .milliseconds(1)) }

    func choice<Value>(_ choices: KeyValuePairs<String, Value>) throws -> Value {
        let text = try? string()
        guard let choice = choices.first(where: { $0.key == text }) else {
            throw mismatch(choices.map(\.key).joined(separator: " or "))
        }
        return choice.value
    }

    /// A name that a file, a variable or a command line can hold: 1 to 63 of A-Z, a-z, 0-9, `_`, `.` and `-`.
    func name() throws -> String {
        guard let text = try? string(), (1...63).contains(text.utf8.count), text.utf8.allSatisfy(Self.allowsInName)
        else { throw mismatch("a name of 1 to 63 of A-Z, a-z, 0-9, _, . and -") }
        return text
    }

    /// A program and its arguments.
    func command() throws -> [String] {
        let expected = "a list of a program and its arguments, such as [python3, app.py]"
        guard case .list(let nodes) = node.content else { throw mismatchOfKind(expected) }
        let words = try nodes.enumerated().map { index, node in
            try Setting(file: file, key: "\(key)[\(index)]", node: node).string()
        }
        guard words.first?.isEmpty == false else { throw mismatch(expected) }
        return words
    }

    /// A map in which every key is read by `body`; any other key is an error.
    func table<Result>(_ body: (inout SettingTable) throws -> Result) throws -> Result {
        var table = try SettingTable(self)
        let result = try body(&table)
        try table.finish()
        return result
    }

    /// A map whose keys are names of the operator's choice.
    func entries() throws -> [(name: Setting, value: Setting)] {
        guard case .map(let entries) = node.content else { throw mismatchOfKind("a map") }
        var known: Set<String> = []
        return try entries.map { entry in
            let name = Setting(file: file, key: key, node: entry.key)
            guard case .text(let text, _) = entry.key.content else { throw name.mismatch("a key") }
            guard known.insert(text).inserted else { throw name.fault("\(Self.quoted(text)) is given more than once") }
            return (name, Setting(file: file, key: self.key(text), node: entry.value, asked: asked))
        }
    }

    private func key(_ name: String) -> String {
        let name = Self.cut(name)
        return key.isEmpty ? name : "\(key).\(name)"
    }

    static func allowsInName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

// MARK: errors

extension Setting {
    /// An error at this value.
    func fault(_ text: String) -> ConfigurationError {
        ConfigurationError(file: file, place: node.place, text: key.isEmpty ? text : "\(key): \(text)")
    }

    func mismatch(_ expected: String) -> ConfigurationError {
        fault("found \(found), expected \(expected)")
    }

    /// An error about a map or list, which says only what kind of value was found there.
    func mismatchOfKind(_ expected: String) -> ConfigurationError {
        guard case .text = node.content, !isNull else { return mismatch(expected) }
        return fault("found a text, expected \(expected)")
    }

    private var found: String {
        switch node.content {
        case .text where isNull: "null"
        case .text(let text, _): Self.quoted(text)
        case .list: "a list"
        case .map: "a map"
        }
    }

    /// A value as an error shows it: on one line, and not for ever.
    public static func quoted(_ text: String) -> String { "'\(cut(text))'" }

    private static func cut(_ text: String) -> String {
        let short = text.unicodeScalars.prefix(60).reduce(into: "") { result, scalar in
            result += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: false) : String(scalar)
        }
        return text.unicodeScalars.count > 60 ? short + "…" : short
    }
}

extension YAMLNode {
    /// Whether nothing was written, or `null` or `~`.
    var isNull: Bool {
        guard case .text(let text, isPlain: true) = content else { return false }
        return text.isEmpty || text == "~" || text == "null"
    }
}
