// A report as the line that dbwatch prints when it is run by hand.

import Shared

extension DatabaseReport: CustomStringConvertible {
    /// `main-a available read-write 0.4 ms`, `main-b unavailable: refused`.
    public var description: String {
        var line = "\(name) \(state)"
        if let cause {
            line += ": \(cause)"
        } else if let role {
            line += " \(role)"
        }
        if cause == nil, let latency { line += " \((latency * 10).rounded() / 10) ms" }
        if isInDoubt { line += ", in doubt" }
        return line
    }
}

extension FromDBWatch: CustomStringConvertible {
    public var description: String {
        switch self {
        case .report(let report): report.description
        }
    }
}
