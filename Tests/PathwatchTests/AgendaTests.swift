// What to look at, and when, as scripts of events. Times are milliseconds.

import Testing

@testable import Shared
@testable import pathwatch

@Suite struct AgendaTests {
    private let alice = UserName("alice") ?? UserName()
    private let bob = UserName("bob") ?? UserName()
    private var agenda = Agenda()

    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test mutating func aChangeIsLookedAtAtOnce() {
        #expect(agenda.next == nil)
        agenda.note(alice, .changed, now: at(5))
        #expect(agenda.next == at(5))
        #expect(agenda.popDue(at(5)) == .user(alice, .changed))
        #expect(agenda.popDue(at(1000)) == nil)
    }

    @Test mutating func manyEventsAreOneLook() {
        agenda.note(alice, .routine, now: at(1))
        agenda.note(alice, .settled, now: at(2))
        agenda.note(bob, .changed, now: at(2))
        agenda.note(alice, .changed, now: at(3))
        #expect(agenda.popDue(at(3)) == .user(alice, .settled))
        #expect(agenda.popDue(at(3)) == .user(bob, .changed))
        #expect(agenda.popDue(at(3)) == nil)
    }

    @Test mutating func aCreatedFileIsLookedAtWhenItIsClosed() {
        agenda.noteCreation(alice, now: at(0))
        #expect(agenda.next == at(100))
        #expect(agenda.popDue(at(99)) == nil)
        agenda.note(alice, .settled, now: at(20))
        #expect(agenda.popDue(at(20)) == .user(alice, .settled))
        #expect(agenda.next == nil)
    }

    @Test mutating func aFileThatIsNeverClosedIsLookedAtAnyway() {
        agenda.noteCreation(alice, now: at(0))
        agenda.noteCreation(alice, now: at(90))
        #expect(agenda.popDue(at(100)) == .user(alice, .changed))
    }

    @Test mutating func aCreationDoesNotPutALookOff() {
        agenda.note(alice, .changed, now: at(0))
        agenda.noteCreation(alice, now: at(1))
        #expect(agenda.popDue(at(1)) == .user(alice, .changed))
    }

    @Test mutating func aDoubtfulAnswerHasToStand() {
        #expect(agenda.doubts(alice, now: at(0)) == true)
        #expect(agenda.next == at(100))
        #expect(agenda.popDue(at(100)) == .user(alice, .changed))
        #expect(agenda.doubts(alice, now: at(100)) == false)
        agenda.believe(alice)
        #expect(agenda.next == nil)
        // The next doubt begins anew.
        #expect(agenda.doubts(alice, now: at(101)) == true)
        #expect(agenda.next == at(201))
    }

    @Test mutating func eventsDoNotPutADoubtOff() {
        #expect(agenda.doubts(alice, now: at(0)) == true)
        for now in stride(from: 10 as Int64, to: 100, by: 10) {
            agenda.note(alice, .changed, now: at(now))
            #expect(agenda.popDue(at(now)) == .user(alice, .changed))
            #expect(agenda.doubts(alice, now: at(now)) == true)
            #expect(agenda.next == at(100))
        }
        #expect(agenda.popDue(at(100)) == .user(alice, .changed))
        #expect(agenda.doubts(alice, now: at(100)) == false)
    }

    @Test mutating func anEventDuringADoubtIsLookedAtWithItsOwnHint() {
        #expect(agenda.doubts(alice, now: at(0)) == true)
        agenda.note(alice, .settled, now: at(30))
        #expect(agenda.popDue(at(30)) == .user(alice, .settled))
        agenda.believe(alice)
        #expect(agenda.popDue(at(1000)) == nil)
    }

    @Test mutating func everythingHasItsOwnTime() {
        agenda.noteEverything(at: at(60_000))
        agenda.note(alice, .changed, now: at(10))
        agenda.noteEverything(at: at(20))
        #expect(agenda.popDue(at(20)) == .user(alice, .changed))
        #expect(agenda.popDue(at(20)) == .everything)
        #expect(agenda.popDue(at(100_000)) == nil)
    }
}
