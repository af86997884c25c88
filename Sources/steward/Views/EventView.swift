// An event, for a terminal. No I/O.

import Shared
import SharedSystem

extension EventRecord {
    /// One line.
    var shown: String {
        let about = user?.text ?? subject
        return "\(rfc3339(at)) \(about.map { "\($0): " } ?? "")\(text) [\(rule)]"
    }
}
