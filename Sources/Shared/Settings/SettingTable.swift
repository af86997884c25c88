// A map of settings whose keys Steward knows.

/// Reads a map key by key. The keys that are asked for are the known ones, so there is no second list of them.
struct SettingTable {
    private let setting: Setting
    private var unread: [(name: Setting, value: Setting)]
    private var known: [String] = []

    init(_ setting: Setting) throws {
        self.setting = setting
        unread = try setting.entries()
    }

    /// The value of `key`; nil where it is absent or null: the default holds.
    subscript(key: String) -> Setting? {
        mutating get {
            known.append(key)
            setting.noteAsked(key)
            guard let index = unread.firstIndex(where: { $0.name.text == key }) else { return nil }
            let value = unread.remove(at: index).value
            return value.isNull ? nil : value
        }
    }

    /// Sets `target` to what `body` makes of the value of `key`, or leaves its default.
    mutating func read<Value>(_ key: String, into target: inout Value, _ body: (Setting) throws -> Value) throws {
        if let value = self[key] { target = try body(value) }
    }

    /// The value of a key that has no default.
    mutating func required(_ key: String) throws -> Setting {
        guard let value = self[key] else { throw setting.fault("the key '\(key)' is missing") }
        return value
    }

    /// - Throws: an error at the first key that was not asked for.
    func finish() throws {
        guard let first = unread.first else { return }
        let nearest = Spelling.nearest(to: first.name.text, among: known).map { ", the nearest known one is '\($0)'" }
        throw first.name.fault("unknown key \(Setting.quoted(first.name.text))\(nearest ?? "")")
    }
}

extension Setting {
    /// The text of a key.
    var text: String {
        guard case .text(let text, _) = node.content else { return "" }
        return text
    }
}
