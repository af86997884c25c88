// What kind of answer a visitor prefers, by the headers of its request. Pure.

enum Preference: Equatable {
    case html, json

    /// The better of the two by the Accept header; where that has no opinion, a sender of JSON is answered in JSON.
    init(accept: String?, contentType: String?) {
        let ranges = (accept ?? "").split(separator: ",").compactMap { MediaRange($0) }
        let json = ranges.compactMap { $0.weight(json: true) }.max() ?? 0
        let html = ranges.compactMap { $0.weight(json: false) }.max() ?? 0
        if json == html {
            let sent = contentType.flatMap { MediaRange($0[...]) }
            self = sent?.isJSON == true ? .json : .html
        } else {
            self = json > html ? .json : .html
        }
    }
}

/// One element of an Accept header.
private struct MediaRange {
    private let type: String
    private let subtype: String
    /// From 0 to 1.
    private let quality: Double

    init?(_ text: Substring) {
        let parts = text.lowercased().split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
        guard let names = parts.first?.split(separator: "/"), names.count == 2 else { return nil }
        type = String(names[0])
        subtype = String(names[1])
        let given = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) }
        quality = min(1, max(0, given ?? 1))
    }

    var isJSON: Bool { type == "application" && (subtype == "json" || subtype.hasSuffix("+json")) }

    /// How much JSON, or HTML, is wanted by this element; nil where it does not speak of it. At the same quality a type
    /// that is named is wanted more than one that is only allowed by a wildcard.
    func weight(json: Bool) -> Double? {
        let isNamed = json ? isJSON : type == "text" && subtype == "html" || subtype == "xhtml+xml"
        let isMeant = subtype == "*" && (type == "*" || type == (json ? "application" : "text"))
        guard quality > 0, isNamed || isMeant else { return nil }
        return quality + (isNamed ? 0.0001 : 0)
    }
}
