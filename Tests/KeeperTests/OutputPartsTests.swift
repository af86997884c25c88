// How much of the workers' output is kept and how often it is looked at, as scripts of moments.

import Shared
import TestSupport
import Testing

@testable import keeper

private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: 1_000_000_000_000 + milliseconds * 1_000_000) }

@Suite struct OutputBudgetTests {
    private static let chunk = 64 << 10
    private var budget = OutputBudget()

    @Test mutating func aBurstIsKeptThenNothingForASecond() {
        for _ in 0..<64 { #expect(budget.admits(Self.chunk, at(0)) == true) }
        #expect(budget.admits(1, at(0)) == false)
        #expect(budget.closedUntil == at(1000))
        #expect(budget.admits(1, at(999)) == false)
        // What was earned meanwhile: a second's worth.
        for _ in 0..<8 { #expect(budget.admits(Self.chunk, at(1000)) == true) }
        #expect(budget.closedUntil == nil)
        #expect(budget.admits(1, at(1000)) == false)
    }

    @Test mutating func whoStaysBelowTheRateIsNeverCutOff() {
        for tick in 0..<1000 { #expect(budget.admits(32 << 10, at(Int64(tick) * 63)) == true) }
    }

    @Test mutating func neverMoreThanTheBurstHoweverLongTheSilence() {
        #expect(budget.admits(Int(OutputBudget.burst), at(0)) == true)
        #expect(budget.admits(Int(OutputBudget.burst) + 1, at(3_600_000)) == false)
        #expect(budget.admits(Int(OutputBudget.burst), at(7_200_000)) == true)
        #expect(budget.fullAt == at(7_208_000))
    }

    /// A flood: over an hour, what is kept is the rate and no more.
    @Test mutating func aFloodIsHeldToTheRate() {
        var kept = 0
        for tick in 0..<360_000 where budget.admits(Self.chunk, at(Int64(tick) * 10)) { kept += Self.chunk }
        let rate = Double(kept - Int(OutputBudget.burst)) / 3600
        #expect(rate > 0.9 * Double(OutputBudget.rate) && rate <= Double(OutputBudget.rate))
    }
}

@Suite struct OutputLossTests {
    @Test func aLineCountsWhatIsMissing() {
        var loss = OutputLoss(.flood, since: at(0))
        Array("one\ntwo\nth".utf8).withUnsafeBytes { loss.add($0, .flood) }
        Array("ree\n\n".utf8).withUnsafeBytes { loss.add($0, .flood) }
        #expect(loss.notice(at(1234)) == "[steward: dropped 15 bytes (4 lines) in 1.2 s: more than 512 KiB/s]\n")
    }

    @Test func theLatestCauseIsTold() {
        var loss = OutputLoss(.flood, since: at(0))
        Array("x".utf8).withUnsafeBytes { loss.add($0, .unwritable("No space left on device")) }
        #expect(loss.notice(at(0)).contains("dropped 1 bytes (0 lines) in 0.0 s: No space left on device]"))
    }
}

@Suite struct OutputPaceTests {
    private var pace = OutputPace(capacity: 64 << 10)

    @Test mutating func whoWritesNowAndThenIsReadAtOnce() {
        for tick in 0..<10 { #expect(pace.rest(after: 100, isKept: true, at(Int64(tick) * 20)) == nil) }
    }

    @Test mutating func whoWritesAllTheTimeIsReadNowAndThen() {
        #expect(pace.rest(after: 100, isKept: true, at(0)) == nil)
        #expect(pace.rest(after: 100, isKept: true, at(1)) == at(11))
        #expect(pace.rest(after: 5000, isKept: true, at(11)) == at(21))
    }

    @Test mutating func aPipeThatFillsUpDoesNotWait() {
        for _ in 0..<10 { #expect(pace.rest(after: 32 << 10, isKept: true, at(0)) == nil) }
    }

    @Test mutating func whatIsDroppedRestsHoweverFull() {
        #expect(pace.rest(after: 64 << 10, isKept: false, at(0)) == at(10))
        #expect(pace.rest(after: 1, isKept: false, at(500)) == at(510))
    }
}

@Suite struct BoundedFileTests {
    @Test func nothingIsLostBetweenTheTwo() throws {
        let folder = try TemporaryFolder()
        let file = BoundedFile("\(folder.path)/f", in: folder.path, bound: 1000)
        let lines = (0..<300).map { Array("line \($0) of three hundred\n".utf8) }
        for line in lines { try line.withUnsafeBytes { try file.append($0) } }
        let (current, former) = (try #require(folder.content("f")), try #require(folder.content("f.1")))
        #expect(current.count <= 1000 && former.count <= 1000 && former.count > 960)
        #expect((former + current)[...] == Array(lines.joined()).suffix(former.count + current.count))
    }
}
