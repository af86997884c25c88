// `steward why`.

import Shared
import Testing

@testable import steward

@Suite struct ExplanationTests {
    private func explanation(_ body: (inout Explanation) -> Void = { _ in }) -> Explanation {
        var explanation = Explanation(name("alice"))
        body(&explanation)
        return explanation
    }

    private func check(_ explanation: Explanation, _ file: String) throws {
        expectGolden([try Why.text(explanation, json: false)], file)
        expectGolden(try Why.text(explanation, json: true), "\(file).json")
    }

    @Test func everythingAboutAUser() throws {
        let why = explanation {
            $0.user = with {
                $0.status = alice
                $0.version = with {
                    $0.version = "1.5.0"
                    $0.reason = .pinned
                    $0.former = "1.3.0"
                    $0.running = "1.4.0"
                }
                $0.process = with {
                    $0.startedAt = ago(93_784)
                    $0.memory = 530 << 20
                    $0.memoryLimit = 512 << 20
                    $0.lastHeartbeat = ago(3)
                    $0.ownStatus = "42 invoices \u{1B}[1m"
                }
                $0.answerer = .worker
                $0.socket = SocketID(user: name("alice"), generation: 7)
                $0.deletion = PendingDeletion(name("alice"), since: ago(5), why: "the folder of all users is empty")
                $0.fault = "/srv/users/alice/user.yaml:1:7: found 'gold', expected paid or free"
                $0.swapFailure = "exit code 3"
                $0.lastFailure = "no READY=1 within 60 s"
            }
            $0.events = events
            $0.output = OutputTail(Array("one\ntwo \u{1B}[2J\n".utf8), path: "/srv/logs/alice.log")
        }
        try check(why, "why")
    }

    @Test func littleAboutAUser() throws {
        let why = explanation {
            $0.user = with { $0.status = user("alice", "queued") }
            $0.output = OutputTail(trouble: "open /srv/logs/alice.log: Permission denied")
        }
        try check(why, "why-little")
    }

    @Test func whoIsNoUser() throws {
        let deletion = PendingDeletion(name("alice"), since: ago(5), why: "7 users at once (5 are allowed)")
        try check(explanation { $0.fault = UserFault(name: name("alice"), text: "user.yaml:1:1: no") }, "why-fault")
        try check(explanation { $0.deletion = deletion }, "why-gone")
        try check(explanation { $0.events = [events[0]] }, "why-events")
    }

    @Test func eachThingThatCanBeWanted() {
        let wanted = WantedState.allCases.map { state -> UserExplanation in
            with {
                $0.status = user("alice", "\(state)") { $0.database = "main-a" }
                $0.wanted = state
                $0.wantedReason = "the reason"
                $0.answerer = .standIn
            }
        }
        expectGolden(wanted.flatMap { why in explanation { $0.user = why }.lines }, "why-wanted")
    }

    @Test func eachReasonForAVersion() {
        let versions = VersionDetails.Reason.allCases.map { reason -> VersionDetails in
            with {
                $0.version = "1.4.0"
                $0.reason = reason
                $0.trouble = "1.5.0 is held"
                $0.running = "1.4.0"
            }
        }
        let none: VersionDetails = with {
            $0.reason = .trouble
            $0.trouble = "no version is current"
        }
        let lines = (versions + [none]).flatMap { version in
            explanation { $0.user = with { $0.version = version } }.lines.filter { $0.hasPrefix("version: ") }
        }
        expectGolden(lines, "why-versions")
    }

    @Test func theAnswerOfMasterIsTheExplanation() {
        var why = Explanation(name("alice"))
        let user: UserExplanation = with { $0.status = alice }
        for answer in [.explanation(user), .event(events[0]), .event(events[1]), .done] as [ControlAnswer] {
            why.take(answer)
        }
        #expect(why.user == user && why.events == Array(events[..<2]))
    }
}
