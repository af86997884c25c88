// `steward status`, `steward databases`.

import Shared
import Testing

@testable import steward

@Suite struct StatusTests {
    private func table(_ snapshot: Snapshot, _ user: UserName? = nil) throws -> [String] {
        [try Status.text(snapshot, user, json: false, now: now)]
    }

    @Test func everythingAsTables() throws { expectGolden(try table(everything), "status") }

    @Test func nothingAsTables() throws { expectGolden(try table(nothing), "status-nothing") }

    @Test func oneUserAsTable() throws { expectGolden(try table(everything, name("alice")), "status-user") }

    @Test func everythingAsJSON() throws {
        expectGolden(try Status.text(everything, nil, json: true, now: now), "status.json")
    }

    @Test func nothingAsJSON() throws {
        expectGolden(try Status.text(nothing, nil, json: true, now: now), "status-nothing.json")
    }

    @Test func oneUserAsJSON() throws {
        expectGolden(try Status.text(everything, name("alice"), json: true, now: now), "status-user.json")
        expectGolden(try Status.text(everything, name("in-queued"), json: true, now: now), "status-user-nulls.json")
    }

    @Test func aUserWhoIsNotThereIsAFailure() throws {
        let failure = #expect(throws: Failure.self) { try table(everything, name("nobody")) }
        #expect(failure?.text == "no user nobody")
        #expect(failure?.code == 1)
    }

    @Test func manyUsersAreALineEach() throws {
        var snapshot = nothing
        snapshot.users = (1...10_000).map { user("user-\($0)", "ready") }
        let lines = snapshot.lines(now: now)
        #expect(lines.count == nothing.lines(now: now).count + 10_000)
        #expect(lines.last == "user-10000  free  ready  -    1m15s  -         -        0         -       -")
    }

    @Test func theAnswerOfMasterIsTheSnapshot() throws {
        var snapshot = Snapshot()
        for answer in everything.answers { snapshot.take(answer) }
        #expect(try table(snapshot) == table(everything))
    }
}

@Suite struct DatabaseViewTests {
    @Test(arguments: [(databases, "databases"), ([], "databases-nothing")])
    func tableAndJSON(_ databases: [DatabaseStatus], _ file: String) throws {
        expectGolden([try Databases.List.text(databases, json: false, now: now)], file)
        expectGolden(try Databases.List.text(databases, json: true, now: now), "\(file).json")
    }
}

@Suite struct TableTests {
    @Test(arguments: [
        (0, "0s"), (999, "0s"), (59_999, "59s"), (60_000, "1m0s"), (3_599_000, "59m59s"), (3_600_000, "1h0m"),
        (86_399_000, "23h59m"), (86_400_000, "1d0h"), (400 * 86_400_000, "400d0h"), (-5000, "0s"),
    ])
    func anAgeHasItsTwoLargestUnits(_ milliseconds: Int64, _ text: String) {
        #expect(Table.age(now - milliseconds, now) == text)
    }

    @Test func columnsAreAsWideAsTheirWidestCell() {
        let rows = [["1", "", "x"], ["22222", "größer", ""]]
        #expect(
            Table.lines(["A", "NAME", "REST"], rows) == ["A      NAME    REST", "1              x", "22222  größer"])
        #expect(Table.lines(["A", "B"], []) == ["A  B"])
    }

    @Test func numbersAreShort() {
        #expect(Table.latency(nil) == "-")
        #expect(Table.latency(0) == "0.0 ms")
        #expect(Table.latency(0.05) == "0.1 ms")
        #expect(Table.latency(1234.56) == "1234.6 ms")
        #expect(Table.pid(nil) == "-")
        #expect(Table.pid(.max) == "2147483647")
    }
}
