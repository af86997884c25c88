// How users are spread over the members of a group again.

import Shared
import Testing

@testable import Policy

@Suite struct SpreadTests {
    private func guests(_ count: Int, on place: String, home: String? = nil, plan: Plan = .free) -> [Spread.Guest] {
        (0..<count).compactMap { number in
            UserName("\(place)-\(home ?? "any")-\(plan)-\(number)").map {
                Spread.Guest(name: $0, plan: plan, present: place, home: home)
            }
        }
    }

    private func counts(_ guests: [Spread.Guest], _ moves: [UserName: String]) -> [String: Int] {
        Dictionary(grouping: guests) { moves[$0.name] ?? $0.present }.mapValues(\.count)
    }

    @Test func theFewestMove() {
        let all = guests(10, on: "a") + guests(1, on: "b")
        let moves = Spread.moves(all, over: ["a", "b", "c"])
        #expect(counts(all, moves) == ["a": 4, "b": 4, "c": 3])
        #expect(moves.count == 6)
    }

    @Test func whatIsEvenStays() {
        let all = guests(3, on: "a") + guests(4, on: "b")
        #expect(Spread.moves(all, over: ["a", "b"]).isEmpty)
    }

    @Test func whoNamesAMemberGoesThereAndTheOthersMakeUpForIt() {
        let all = guests(4, on: "b", home: "a") + guests(2, on: "a") + guests(2, on: "b")
        let moves = Spread.moves(all, over: ["a", "b"])
        #expect(counts(all, moves) == ["a": 4, "b": 4])
        #expect(moves.count == 6)
    }

    @Test func whoNamesAClosedMemberStaysWhereItIs() {
        let all = guests(4, on: "b", home: "a")
        #expect(Spread.moves(all, over: ["b", "c"]).isEmpty)
    }

    @Test func aClosedMemberIsLeft() {
        let all = guests(3, on: "a") + guests(1, on: "b")
        let moves = Spread.moves(all, over: ["b", "c"])
        #expect(counts(all, moves) == ["b": 2, "c": 2])
        #expect(Spread.moves(all, over: []).isEmpty)
    }

    @Test func payingUsersRatherStay() {
        let all = guests(2, on: "a", plan: .paid) + guests(2, on: "a")
        let moves = Spread.moves(all, over: ["a", "b"])
        #expect(moves.keys.allSatisfy { $0.text.contains("free") })
        #expect(moves.count == 2)
    }
}
