// An event as one line of JSON: what the journal keeps, and what `steward events --json` prints.

import Glibc
import Shared

extension EventRecord {
    /// One JSON object, without an end of line. An absent value is null.
    public var line: String {
        var line = "{\"at\":\"\(rfc3339(at))\",\"rule\":"
        line += JSONText.quoted(rule)
        line += ",\"serial\":\(serial),\"subject\":"
        line += subject.map(JSONText.quoted) ?? "null"
        line += ",\"text\":"
        line += JSONText.quoted(text)
        line += ",\"user\":"
        line += user.map { JSONText.quoted($0.text) } ?? "null"
        return line + "}"
    }

    /// Nil for any other line: one that was torn, or is of a later version. Keys that are not known are passed over.
    public init?(line: some Collection<UInt8>) {
        var text = JSONText(line)
        guard let fields = text.object(), case .text(let time)? = fields["at"], let at = milliseconds(rfc3339: time),
            case .number(let serial)? = fields["serial"], case .text(let happened)? = fields["text"],
            case .text(let rule)? = fields["rule"]
        else { return nil }
        self.init()
        self.serial = serial
        self.at = at
        self.text = happened
        self.rule = rule
        if case .text(let subject)? = fields["subject"] { self.subject = subject }
        if case .text(let name)? = fields["user"] {
            guard let user = UserName(name) else { return nil }
            self.user = user
        }
    }
}

/// Milliseconds since 1970 of a time as `rfc3339` writes it; nil for another form.
private func milliseconds(rfc3339 text: String) -> Int64? {
    let bytes = Array(text.utf8)
    let form = Array("dddd-dd-ddTdd:dd:dd.dddZ".utf8)
    guard bytes.count == form.count else { return nil }
    var numbers: [Int32] = [0]
    for (byte, expected) in zip(bytes, form) {
        if expected == UInt8(ascii: "d") {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int32(byte - UInt8(ascii: "0"))
        } else {
            guard byte == expected else { return nil }
            numbers.append(0)
        }
    }
    var parts = tm()
    (parts.tm_year, parts.tm_mon, parts.tm_mday) = (numbers[0] - 1900, numbers[1] - 1, numbers[2])
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[3], numbers[4], numbers[5])
    return Int64(timegm(&parts)) * 1000 + Int64(numbers[6])
}
