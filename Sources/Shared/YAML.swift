// The one file that knows the YAML library: text becomes a tree of values, each with its place.
//
// Nothing is interpreted here: a plain `true`, `0660` or `10s` stays the text that was written, and whoever reads the
// value says what it has to be. Whatever is wrong with a text costs one ConfigurationError; a text that is built to
// exhaust the reader (deep nesting, aliases of aliases) is refused as well.

import Yams

/// A value of a YAML text.
struct YAMLNode {
    enum Content {
        /// `isPlain`: written without quotes, so that `null` and `~` mean that there is no value.
        case text(String, isPlain: Bool)
        case list([YAMLNode])
        /// In the order of the text; a key is seldom anything but a text.
        case map([(key: YAMLNode, value: YAMLNode)])
    }

    let place: TextPlace
    let content: Content

    /// Reads one document; nil where the text holds none.
    ///
    /// - Throws: `ConfigurationError`.
    static func parse(_ text: String, file: String) throws -> YAMLNode? {
        // Some editors begin a file with a byte order mark, which the library takes for text.
        let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        return try YAMLParser(text: text, file: file).root()
    }
}

private struct YAMLParser {
    /// Steward's files nest four deep.
    static let deepest = 16
    /// An alias repeats what its anchor holds, and aliases of aliases multiply: with so few of them the product stays
    /// harmless.
    static let mostAliases = 32

    let text: String
    let file: String

    func root() throws -> YAMLNode? {
        try boundAliases()
        do {
            // The basic resolver leaves plain texts alone; the default one runs regular expressions over each.
            guard let node = try Yams.compose(yaml: text, .basic, .default, .utf8) else { return nil }
            return try convert(node, depth: 0)
        } catch let error as YamlError {
            throw self.error(error)
        }
    }

    private func convert(_ node: Node, depth: Int) throws -> YAMLNode {
        let place = place(node.mark)
        guard depth < Self.deepest else { throw fault(place, "nested more than \(Self.deepest) deep") }
        switch node {
        case .scalar(let scalar):
            return YAMLNode(place: place, content: .text(scalar.string, isPlain: scalar.style == .plain))
        case .sequence(let sequence):
            return YAMLNode(place: place, content: .list(try sequence.map { try convert($0, depth: depth + 1) }))
        case .mapping(let mapping):
            let entries = try mapping.map { entry in
                (key: try convert(entry.key, depth: depth + 1), value: try convert(entry.value, depth: depth + 1))
            }
            return YAMLNode(place: place, content: .map(entries))
        case .alias:
            throw fault(place, "an alias without its value")
        }
    }

    /// Counts what could be an alias where anything could be an anchor. Text in quotes may be counted too: the bound is
    /// far above what a file of settings needs.
    private func boundAliases() throws {
        var anchors = 0
        var aliases = 0
        var startsWord = true
        var line = 1
        for byte in text.utf8 {
            if startsWord && byte == UInt8(ascii: "&") { anchors += 1 }
            if startsWord && byte == UInt8(ascii: "*") { aliases += 1 }
            if byte == UInt8(ascii: "\n") { line += 1 }
            if anchors > 0 && aliases > Self.mostAliases {
                throw fault(TextPlace(line: line, column: 1), "more than \(Self.mostAliases) aliases")
            }
            startsWord = " \t\r\n[]{},:?-".utf8.contains(byte)
        }
    }

    private func error(_ error: YamlError) -> ConfigurationError {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let context = context.map { " " + $0.text } ?? ""
            return fault(place(mark), "not valid YAML: \(problem)\(context)")
        case .reader(let problem, let offset, _, _):
            return fault(offset.map(place(of:)), "not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            let key = keys.first.map(Setting.quoted) ?? "a key"
            return fault(place(context.mark), "\(key) is given more than once")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return fault(nil, "not valid YAML: \(error)")
        }
    }

    private func fault(_ place: TextPlace?, _ text: String) -> ConfigurationError {
        ConfigurationError(file: file, place: place, text: text)
    }

    private func place(_ mark: Mark?) -> TextPlace {
        TextPlace(line: mark?.line ?? 1, column: mark?.column ?? 1)
    }

    /// The place of a character that is so many after the first.
    private func place(of offset: Int) -> TextPlace {
        let before = text.prefix(offset)
        let start = before.lastIndex(where: \.isNewline).map(before.index(after:)) ?? before.startIndex
        let line = 1 + before.count(where: \.isNewline)
        return TextPlace(line: line, column: 1 + before[start...].unicodeScalars.count)
    }
}
