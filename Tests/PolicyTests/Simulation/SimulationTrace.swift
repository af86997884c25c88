// What happened in a simulated world, in words.

import Shared

@testable import Policy

extension Simulation {
    /// A line of the trace; put into words only when it is read.
    struct Step: CustomStringConvertible {
        enum Content {
            case event(Event)
            case effect(Effect)
        }

        let at: Instant
        let content: Content

        /// Nil for what goes on all the time and tells nothing.
        init?(at: Instant, _ content: Content) {
            switch content {
            case .event(.tick), .event(.probed), .event(.measured), .event(.notified(_, .heartbeat)): return nil
            case .event(.watcherSaid(_, _, .alive)): return nil
            case .effect(.ping), .effect(.probe), .effect(.measure), .effect(.save): return nil
            case .event(.watcherSaid(_, _, .verdict(let verdict))) where verdict.health == .passing: return nil
            case .event, .effect: break
            }
            self.at = at
            self.content = content
        }

        var description: String {
            switch content {
            case .event(let event): "\(Double(at.nanoseconds) / 1e9) \(event.words)"
            case .effect(let effect): "        \(effect.words)"
            }
        }
    }
}

extension Event {
    fileprivate var words: String {
        switch self {
        case .watcherSaid(let kind, _, .path(.adduser(let file))), .watcherSaid(let kind, _, .path(.moduser(let file))):
            "\(kind): \(file.name) on \(file.database ?? "any"), \(file.env["QUALITY"] ?? "plain")"
                + (file.enabled ? "" : ", disabled")
        case .watcherSaid(let kind, _, .verdict(let verdict)):
            "\(kind): \(verdict.worker) \(verdict.health) \(verdict.outcome)"
        default:
            "\(self)"
        }
    }
}

extension Effect {
    fileprivate var words: String {
        switch self {
        case .start(let id, let socket, let plan, _):
            "start \(id) on \(socket), database \(plan.database ?? "none"), \(plan.env["SETTINGS"] ?? plan.env["QUALITY"] ?? "plain")"
        case .check(let order): "check \(order.worker)\(order.awaitsReady ? " until it is ready" : "")"
        case .record(let happening): "\(happening.user?.text ?? happening.subject ?? "master"): \(happening.text)"
        default: "\(self)"
        }
    }
}

extension Actual {
    /// The state with its processes.
    var words: String {
        switch self {
        case .absent: "absent"
        case .queued: "queued"
        case .starting(let start): "starting \(start.process.id)"
        case .ready(let process, _): "ready \(process.id)"
        case .swapping(let old, let new): "swapping \(old.id) for \(new.process.id)"
        case .stopping(let departure): "stopping \(departure.process.id), \(departure.phase)"
        case .waiting(let until): "waiting until \(Double(until.nanoseconds) / 1e9)"
        }
    }
}
