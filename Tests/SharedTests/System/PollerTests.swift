// The poller on real descriptors.

import Foundation
import Testing

@testable import Shared
@testable import SharedSystem

@Suite struct PollerTests {
    private func pipe() throws -> (reader: Descriptor, writer: Descriptor) {
        var ends: [Int32] = [-1, -1]
        try check("pipe") { Foundation.pipe(&ends) }
        return (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
    }

    private func write(_ descriptor: Descriptor) throws {
        try check("write") { Foundation.write(descriptor.number, "x", 1) }
    }

    private var soon: Instant { .now() + .seconds(10) }

    @Test func aDeadlineEndsTheWait() throws {
        let poller = try Poller<Int>()
        let start = Instant.now()
        #expect(try poller.wait(until: start + .milliseconds(20)).isEmpty)
        #expect(Instant.now() - start >= .milliseconds(20))
        #expect(try poller.wait(until: start).isEmpty)
    }

    @Test func whatIsReadyIsNamed() throws {
        let poller = try Poller<String>()
        let (reader, writer) = try pipe()
        let (other, _other) = try pipe()
        try poller.add(reader.number, .readable, as: "first")
        try poller.add(other.number, .readable, as: "second")
        try write(writer)
        let ready = try poller.wait(until: soon)
        #expect(ready.map(\.source) == ["first"])
        #expect(ready.map(\.fd) == [reader.number])
        #expect(ready.first?.readiness == .readable)
        // Level-triggered: unread is reported again.
        #expect(try poller.wait(until: soon).map(\.source) == ["first"])
        withExtendedLifetime(_other) {}
    }

    @Test func theInterestCanChange() throws {
        let poller = try Poller<String>()
        let (reader, writer) = try pipe()
        try poller.add(reader.number, .readable, as: "reader")
        try poller.add(writer.number, [], as: "writer")
        #expect(try poller.wait(until: .now()).isEmpty)
        try poller.change(writer.number, .writable)
        #expect(try poller.wait(until: soon).map(\.source) == ["writer"])
        try poller.change(writer.number, [])
        #expect(try poller.wait(until: .now()).isEmpty)
        try poller.change(999, .readable)
    }

    @Test func theOtherEndsDeathIsAHangup() throws {
        let poller = try Poller<String>()
        var ends = Optional(try pipe())
        let reader = try #require(ends?.reader)
        try poller.add(reader.number, .readable, as: "reader")
        ends = nil
        #expect(try poller.wait(until: soon).first?.readiness.contains(.hangup) == true)
    }

    @Test func aForgottenDescriptorIsSilent() throws {
        let poller = try Poller<String>()
        let (reader, writer) = try pipe()
        try poller.add(reader.number, .readable, as: "reader")
        try write(writer)
        #expect(poller.knows(reader.number))
        poller.remove(reader.number)
        poller.remove(reader.number)
        #expect(!poller.knows(reader.number))
        #expect(try poller.wait(until: .now()).isEmpty)
    }

    @Test func moreThanOneBufferIsReportedInTurn() throws {
        let poller = try Poller<Int>()
        var ends: [(reader: Descriptor, writer: Descriptor)] = []
        for index in 0..<300 {
            let end = try pipe()
            try poller.add(end.reader.number, .readable, as: index)
            try write(end.writer)
            ends.append(end)
        }
        var seen: Set<Int> = []
        while seen.count < ends.count {
            let ready = try poller.wait(until: soon)
            try #require(!ready.isEmpty)
            for (source, fd, _) in ready {
                seen.insert(source)
                poller.remove(fd)
            }
        }
        #expect(seen == Set(0..<300))
    }
}
