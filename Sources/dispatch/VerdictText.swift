// A verdict as one line for a reader.

import Shared

extension FromDispatch: CustomStringConvertible {
    public var description: String {
        switch self {
        case .verdict(let verdict): Self.line(verdict)
        }
    }

    private static func line(_ verdict: CheckVerdict) -> String {
        let health = verdict.health == .passing && verdict.outcome == .passed ? "" : "\(verdict.health): "
        let status = verdict.status.map { " \($0)" } ?? ""
        let latency = verdict.latency.map { " \(($0 * 10).rounded() / 10) ms" } ?? ""
        return "\(health)\(verdict.outcome)\(status)\(latency)"
    }
}
