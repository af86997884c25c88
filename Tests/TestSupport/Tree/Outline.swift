// steward.yaml out of a flat table.

/// Keys as `worker.check.interval` with their values as YAML; a later key wins over an earlier one, and over what
/// stands below it.
package struct Outline: Sendable {
    private enum Node: Sendable {
        case text(String)
        case table([String: Node])
    }

    private var root: [String: Node] = [:]

    package init(_ values: [String: String] = [:]) {
        set(values)
    }

    package mutating func set(_ values: [String: String]) {
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            Self.set(key.split(separator: ".").map(String.init)[...], value, in: &root)
        }
    }

    private static func set(_ path: ArraySlice<String>, _ value: String, in table: inout [String: Node]) {
        guard let key = path.first else { return }
        if path.count == 1 {
            table[key] = .text(value)
            return
        }
        var below: [String: Node] = [:]
        if case .table(let there) = table[key] { below = there }
        set(path.dropFirst(), value, in: &below)
        table[key] = .table(below)
    }

    /// The keys in alphabetical order, so that the same settings are the same text.
    package var yaml: String { Self.yaml(root, indentation: "") }

    private static func yaml(_ table: [String: Node], indentation: String) -> String {
        table.sorted { $0.key < $1.key }.map { key, node in
            switch node {
            case .text(let text): "\(indentation)\(key): \(text)\n"
            case .table(let below): "\(indentation)\(key):\n" + yaml(below, indentation: indentation + "  ")
            }
        }.joined()
    }
}
