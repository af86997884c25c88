// What ends the tests where they would go on for ever.

import Glibc
import Synchronization

/// Ends the tests where a step of the Supervisor never does. Swift Testing's time limit cannot, and begins for all seeds
/// at once.
enum Alarm {
    private static let running = Mutex(0)

    /// `body` may take five minutes from the time on when the last one has begun beside it.
    static func during<Result>(_ body: () -> Result) -> Result {
        running.withLock { count in
            count += 1
            alarm(300)
        }
        let result = body()
        running.withLock { count in
            count -= 1
            if count == 0 { alarm(0) }
        }
        return result
    }
}
