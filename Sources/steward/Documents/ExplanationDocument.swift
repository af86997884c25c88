// The JSON form of `steward why`. No I/O.

import Shared
import SharedSystem

struct ExplanationDocument: Encodable {
    let name: String
    /// Null where there is no user of that name now, like the rest up to `pendingDeletion`.
    @Nullable var user: StatusDocument.User?
    @Nullable var wanted: String?
    @Nullable var wantedReason: String?
    @Nullable var version: Version?
    @Nullable var process: Process?
    @Nullable var answeredBy: String?
    @Nullable var socket: String?
    @Nullable var swapFailure: String?
    @Nullable var lastFailure: String?
    @Nullable var pendingDeletion: StatusDocument.Deletion?
    /// What is wrong with its files.
    @Nullable var fault: String?
    let events: [Event]
    /// Null where its workers have written nothing.
    @Nullable var output: Output?

    init(_ explanation: Explanation) {
        let user = explanation.user
        name = explanation.name.text
        self.user = (user?.status).map(StatusDocument.User.init)
        wanted = user.map { "\($0.wanted)" }
        wantedReason = user?.wantedReason
        version = (user?.version).map(Version.init)
        process = (user?.process).map(Process.init)
        answeredBy = user.map { "\($0.answerer)" }
        socket = user?.socket?.description
        swapFailure = user?.swapFailure
        lastFailure = user?.lastFailure
        pendingDeletion = (user?.deletion ?? explanation.deletion).map(StatusDocument.Deletion.init)
        fault = user?.fault ?? explanation.fault?.text
        events = explanation.events.map(Event.init)
        output = explanation.output.map(Output.init)
    }

    struct Version: Encodable {
        @Nullable var version: String?
        let reason: String
        @Nullable var trouble: String?
        @Nullable var former: String?
        @Nullable var running: String?

        init(_ choice: VersionDetails) {
            version = choice.version
            reason = "\(choice.reason)"
            trouble = choice.trouble
            former = choice.former
            running = choice.running
        }
    }

    struct Process: Encodable {
        let started: String
        /// In bytes.
        @Nullable var memory: Int?
        @Nullable var memoryLimit: Int?
        @Nullable var lastHeartbeat: String?
        @Nullable var ownStatus: String?

        init(_ process: ProcessDetails) {
            started = rfc3339(process.startedAt)
            memory = process.memory
            memoryLimit = process.memoryLimit
            lastHeartbeat = process.lastHeartbeat.map(rfc3339)
            ownStatus = process.ownStatus
        }
    }

    /// As `steward events --json` has it.
    struct Event: Encodable {
        let at: String
        let rule: String
        let serial: UInt64
        @Nullable var subject: String?
        let text: String
        @Nullable var user: String?

        init(_ event: EventRecord) {
            at = rfc3339(event.at)
            rule = event.rule
            serial = event.serial
            subject = event.subject
            text = event.text
            user = event.user?.text
        }
    }

    struct Output: Encodable {
        /// Null where it cannot be read.
        @Nullable var path: String?
        let lines: [String]
        @Nullable var trouble: String?

        init(_ tail: OutputTail) {
            path = tail.path
            lines = tail.outputLines
            trouble = tail.trouble
        }
    }
}
