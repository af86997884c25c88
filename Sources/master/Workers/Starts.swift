// The starts of workers on their way through launch, and the life of launch itself.

import Glibc
import Policy
import Shared
import SharedSystem

extension Loop {
    /// What comes of starts, as events.
    func launched(_ results: [LaunchResult]) -> [Event] {
        results.flatMap { result -> [Event] in
            switch result {
            case .started(let id, let worker): return supervise(id, worker)
            case .failed(let id, let why):
                // There may be something of it to be reaped.
                sweepDue = .everybody
                return [.startFailed(id, why: why)]
            }
        }
    }

    func startLaunch() {
        var events: [Event]
        do {
            try launcher.start(now: .now())
            if let child = launcher.child { try poller.add(child.pidfd.number, .readable, as: .launchExit) }
            events = launched(launcher.flush(now: .now()))
            if let channel = launcher.channel { try poller.add(channel.number, launcher.interest, as: .launch) }
        } catch {
            log.error("launch: \(error)")
            events = launched(launcher.giveUp("launch: \(error)", now: .now()))
        }
        for event in events { feed(event) }
    }

    func readLaunch(_ readiness: Readiness) throws {
        for event in launched(try launcher.receive()) { feed(event) }
        if readiness.contains(.writable) {
            for event in launched(launcher.flush(now: .now())) { feed(event) }
        }
        guard let channel = launcher.channel else { return }
        if readiness.contains(.hangup) {
            // A launch that has closed its channel ends, or is no launch.
            poller.remove(channel.number)
            launcher.condemn()
        } else if readiness.contains(.writable) {
            try poller.change(channel.number, launcher.interest)
        }
    }

    func reapLaunch() throws {
        let (child, channel) = (launcher.child, launcher.channel)
        guard let (exit, results) = try launcher.reap(now: .now()) else { return }
        if let child { poller.remove(child.pidfd.number) }
        if let channel { poller.remove(channel.number) }
        sweepDue = .everybody
        let loss = Happening(
            subject: "launch", text: "ended: \(exit); starting again", rule: "watcher", weight: .warning)
        for event in record(loss) + launched(results) { feed(event) }
    }

    /// What is due for launch: its next start, or its end where it owes an answer.
    func tendLaunch() {
        guard let deadline = launcher.deadline, deadline <= .now() else { return }
        if launcher.child != nil {
            log.warning("launch has not answered for \(Int(Launcher.silence.milliseconds / 1000)) s")
            launcher.condemn()
        } else {
            startLaunch()
        }
    }
}
