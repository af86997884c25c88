// Why a user is as it is, for a terminal. No I/O.

import Shared
import SharedSystem

/// The parts of `steward why`.
struct Explanation {
    let name: UserName
    /// Nil where there is no user of that name now.
    var user: UserExplanation?
    /// Of a folder that is no user yet.
    var fault: UserFault?
    /// Of a user whose folder disappeared while no master ran.
    var deletion: PendingDeletion?
    var events: [EventRecord] = []
    /// Nil where its workers have written nothing.
    var output: OutputTail?

    init(_ name: UserName) {
        self.name = name
    }

    /// One part of master's answer.
    mutating func take(_ answer: ControlAnswer) {
        switch answer {
        case .explanation(let explanation): user = explanation
        case .fault(let fault): self.fault = fault
        case .pendingDeletion(let deletion): self.deletion = deletion
        case .event(let event): events.append(event)
        case .done, .refused, .master, .watcher, .database, .user, .upgrade, .package, .packageTrouble, .stranded,
            .configuration, .setting, .consequence, .upgradePreview, .userPreview:
            break
        }
    }

    var lines: [String] {
        explained + (events.isEmpty ? [] : ["last events:"]) + events.map { "  \($0.shown)" } + (output?.lines ?? [])
    }

    private var explained: [String] {
        if let user { return user.lines }
        if let fault { return [fault.shown] }
        guard let deletion else { return ["\(name) is no user now"] }
        return ["\(name) went while no master ran: its worker is left as it is", deletion.shown]
    }
}

extension PendingDeletion {
    fileprivate var shown: String {
        "deletion held back since \(rfc3339(since)), until `steward confirm-delete`: \(why)"
    }
}

extension UserExplanation {
    fileprivate var lines: [String] {
        var lines = ["\(status.name) is \(status.state)" + (status.reason.map { ": \($0)" } ?? "")]
        lines.append("wanted: \(wantedText)")
        if let version { lines.append("version: \(version.shown)") }
        lines += processLines
        lines.append(answererText)
        if let deletion { lines.append(deletion.shown) }
        if let fault { lines.append("fault: \(fault)") }
        if let swapFailure { lines.append("new settings failed: \(swapFailure)") }
        if let exit = status.lastExit { lines.append("last death: \(exit)" + (lastFailure.map { ", \($0)" } ?? "")) }
        if let own = process?.ownStatus { lines.append("says of itself: \(own)") }
        return lines
    }

    private var wantedText: String {
        let why = wantedReason ?? ""
        return switch wanted {
        case .up: "up" + (status.database.map { " on database \($0)" } ?? "")
        case .held: "down, held by the operator: \(why)"
        case .disabled: "down, disabled in user.yaml"
        case .databaseUnavailable: "kept but not served, \(why)"
        case .databaseUnknown: "up when known, \(why)"
        case .noDatabase: "down, \(why)"
        }
    }

    private var processLines: [String] {
        guard let process else { return [] }
        let pid = status.pid.map { "pid \($0), " } ?? ""
        let started = rfc3339(process.startedAt)
        var lines = ["process: \(pid)generation \(status.generation), started \(started)"]
        if let memory = process.memory {
            let most = process.memoryLimit.map { ", \(ByteSize.mebibytes($0)) allowed" } ?? ""
            lines.append("memory: \(ByteSize.mebibytes(memory)) used\(most)")
        }
        if let beat = process.lastHeartbeat { lines.append("last heartbeat: \(rfc3339(beat))") }
        return lines
    }

    private var answererText: String {
        switch answerer {
        case .worker: "customers reach socket \(socket.map { "\($0)" } ?? "-")"
        case .standIn: "customers are answered by the stand-in"
        case .nobody: "customers are not answered"
        }
    }
}

extension VersionDetails {
    fileprivate var shown: String {
        guard let version else { return "none, \(trouble ?? "")" }
        let why =
            switch reason {
            case .given: "the one that it has been given"
            case .pinned: "pinned in user.yaml"
            case .inForce: "the one in force"
            case .trouble: trouble ?? ""
            }
        let before = former.map { ", before it \($0)" } ?? ""
        let now = running.map { $0 == version ? "" : "; \($0) runs" } ?? ""
        return "\(version), \(why)\(before)\(now)"
    }
}
