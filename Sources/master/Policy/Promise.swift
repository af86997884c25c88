// What the operator's orders promise.

import Shared

extension Supervisor {
    /// What has to be kept before this order may be followed, because it is to outlive master; nil for nothing. The
    /// order is refused where it cannot be kept.
    package func promise(of order: Event) -> Effect? {
        switch order {
        case .hold(let name, let reason): .keepHold(name, reason)
        case .release(let name): .keepHold(name, nil)
        case .drain(let name): .keepDrained(databases.drained.union([name]))
        case .undrain(let name): .keepDrained(databases.drained.subtracting([name]))
        case .boot, .tick, .stop, .watcherStarted, .watcherAdopted, .watcherSaid, .watcherBroke, .watcherExited,
            .started, .startFailed, .executed, .executionFailed, .notified, .exited, .probed, .measured, .faceFailed,
            .awaited, .restart, .rebalance, .upgrade, .confirmDeletions, .configure, .configurationFaulty:
            nil
        }
    }
}
