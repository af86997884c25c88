// The one file that knows the YAML library: text becomes a tree of values, each with its place.
//
// Nothing is interpreted here: a plain `true`, `0660` or `10s` stays the text that was written, and the reader of the
// value says what it has to be. Anything wrong with a text is one ConfigurationError; a text that is built to exhaust
// the reader (deep nesting, aliases of aliases) is refused as well.
//
// libyaml, not Yams: Yams brings all of Foundation into every process, 13.6 MiB of resident memory for a program that
// reads two lines of YAML, against 5 MiB.

import CLibyaml

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

private final class YAMLParser {
    /// Steward's files nest four deep.
    static let deepest = 16
    /// An alias repeats what its anchor holds, and aliases of aliases multiply: the whole is bounded.
    static let mostNodes = 100_000

    let text: String
    let file: String
    private var nodes = 0

    init(text: String, file: String) {
        self.text = text
        self.file = file
    }

    func root() throws -> YAMLNode? {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { throw fault(nil, "not enough memory") }
        defer { yaml_parser_delete(&parser) }
        let bytes = Array(text.utf8)
        return try bytes.withUnsafeBufferPointer { buffer in
            yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
            let root = try document(&parser) { try convert(&$0, $1, depth: 0) }
            let second = root == nil ? nil : try document(&parser) { place($1.pointee.start_mark) }
            if let second { throw fault(second, "not valid YAML: a second document") }
            return root
        }
    }

    /// What `body` makes of the root of the next document; nil where there is none.
    private func document<Result>(
        _ parser: inout yaml_parser_t,
        _ body: (inout yaml_document_t, UnsafeMutablePointer<yaml_node_t>) throws -> Result
    ) throws -> Result? {
        var document = yaml_document_t()
        guard yaml_parser_load(&parser, &document) == 1 else { throw error(parser) }
        defer { yaml_document_delete(&document) }
        guard let root = yaml_document_get_root_node(&document) else { return nil }
        return try body(&document, root)
    }

    private func convert(
        _ document: inout yaml_document_t, _ node: UnsafeMutablePointer<yaml_node_t>, depth: Int
    ) throws -> YAMLNode {
        let place = place(node.pointee.start_mark)
        nodes += 1
        guard nodes <= Self.mostNodes else { throw fault(place, "more than \(Self.mostNodes) values") }
        guard depth < Self.deepest else { throw fault(place, "nested more than \(Self.deepest) deep") }
        switch node.pointee.type {
        case YAML_SCALAR_NODE:
            let scalar = node.pointee.data.scalar
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            return YAMLNode(place: place, content: .text(text, isPlain: isPlain))
        case YAML_SEQUENCE_NODE:
            let items = node.pointee.data.sequence.items
            let list = try indices(items.start, items.top).map { try child(&document, $0, depth) }
            return YAMLNode(place: place, content: .list(list))
        case YAML_MAPPING_NODE:
            return YAMLNode(place: place, content: .map(try map(&document, node, depth)))
        case let type:
            throw fault(place, "not valid YAML: node type \(type.rawValue)")
        }
    }

    private func map(
        _ document: inout yaml_document_t, _ node: UnsafeMutablePointer<yaml_node_t>, _ depth: Int
    ) throws -> [(key: YAMLNode, value: YAMLNode)] {
        let pairs = node.pointee.data.mapping.pairs
        var known: Set<String> = []
        return try indices(pairs.start, pairs.top).map { pair in
            let key = try child(&document, pair.key, depth)
            if case .text(let text, _) = key.content, !known.insert(text).inserted {
                throw fault(key.place, "\(Setting.quoted(text)) is given more than once")
            }
            return (key: key, value: try child(&document, pair.value, depth))
        }
    }

    private func child(_ document: inout yaml_document_t, _ index: Int32, _ depth: Int) throws -> YAMLNode {
        guard let node = yaml_document_get_node(&document, index) else { throw fault(nil, "not valid YAML") }
        return try convert(&document, node, depth: depth + 1)
    }

    private func indices<Item>(_ start: UnsafeMutablePointer<Item>?, _ end: UnsafeMutablePointer<Item>?) -> [Item] {
        guard let start, let end else { return [] }
        return Array(UnsafeBufferPointer(start: start, count: end - start))
    }

    private func error(_ parser: yaml_parser_t) -> ConfigurationError {
        let problem = parser.problem.map { String(cString: $0) } ?? "unreadable"
        let context = parser.context.map { " " + String(cString: $0) } ?? ""
        let place = parser.error == YAML_READER_ERROR ? place(of: parser.problem_offset) : place(parser.problem_mark)
        return fault(place, "not valid YAML: \(problem)\(context)")
    }

    /// A character that is not allowed is told by its offset, in bytes.
    private func place(of offset: Int) -> TextPlace {
        let before = String(decoding: text.utf8.prefix(offset), as: UTF8.self)
        let lines = before.split(separator: "\n", omittingEmptySubsequences: false)
        return TextPlace(line: lines.count, column: 1 + (lines.last?.unicodeScalars.count ?? 0))
    }

    private func fault(_ place: TextPlace?, _ text: String) -> ConfigurationError {
        ConfigurationError(file: file, place: place, text: text)
    }

    private func place(_ mark: yaml_mark_t) -> TextPlace {
        TextPlace(line: mark.line + 1, column: mark.column + 1)
    }
}
