import Foundation
import Logging
import Shared
import Testing

@testable import Policy
@testable import master

@Suite struct JournalTests {
    private var journal = Journal()

    @discardableResult
    private mutating func append(_ text: String, of user: UserName = alice) -> EventRecord {
        journal.append(Happening(user: user, text: text, rule: "r"), wall: 1)
    }

    @Test func theOldestGoWhenItIsFull() {
        var journal = Journal()
        for number in 0..<Journal.capacity + 5 {
            let user = number % 2 == 0 ? alice : bob
            _ = journal.append(Happening(user: user, text: "\(number)", rule: "r"), wall: Int64(number))
        }
        #expect(journal.events.count == Journal.capacity)
        #expect(journal.events.first?.text == "5")
        #expect(journal.last(2, of: alice).map(\.text) == ["10002", "10004"])
        var request = EventsRequest()
        request.since = 10_003
        #expect(journal.events.filter(request.wants).map(\.text) == ["10003", "10004"])
    }

    @Test mutating func itKnowsWhatIsNotWritten() {
        for text in ["a", "b", "c"] { append(text) }
        #expect(journal.unwritten.map(\.text) == ["a", "b", "c"])
        #expect(journal.wrote(upTo: 2) == nil)
        #expect(journal.unwritten.map(\.text) == ["c"])
        // Late, and never given.
        #expect(journal.wrote(upTo: 1) == nil)
        #expect(journal.wrote(upTo: 99) == nil)
        #expect(journal.unwritten.map(\.text) == ["c"])
    }

    @Test mutating func lossesAreCountedAndToldOnce() {
        append("written")
        #expect(journal.wrote(upTo: 1) == nil)
        for number in 0..<Journal.capacity + 6 { append("\(number)") }
        #expect(journal.unwritten.count == Journal.capacity)
        let told = journal.wrote(upTo: 2000)
        #expect(told?.text == "6 events are lost: they could not be written in time" && told?.weight == .warning)
        #expect(journal.wrote(upTo: 2001) == nil)
    }

    @Test mutating func itGoesOnAfterAnEarlierOne() {
        let earlier = ["a", "b"].map { append($0) }
        journal = Journal(after: earlier)
        #expect(journal.events.map(\.text) == ["a", "b"] && journal.unwritten.isEmpty)
        #expect(append("c").serial == 3)
        #expect(journal.unwritten.map(\.text) == ["c"])
        #expect(journal.last(2, of: alice).map(\.text) == ["b", "c"])
    }

    @Test mutating func textsAreBounded() {
        #expect(append(String(repeating: "ä", count: 100_000)).text.utf8.count < 4100)
    }
}

@Suite struct JournalArchiveTests {
    private let folder: URL
    private let settings: JournalSettings
    private let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "st-\(UUID().uuidString)")
        settings = JournalSettings(folder: folder.path)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    }

    private func lines(_ serials: ClosedRange<UInt64>) -> String {
        serials.map { serial in
            var event = EventRecord()
            event.serial = serial
            event.user = alice
            return event.line + "\n"
        }.joined()
    }

    private func read() -> [UInt64] { JournalArchive.read(settings, log).map(\.serial) }

    @Test func bothFilesAreRead() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(read() == [])
        try Data(lines(3...4).utf8).write(to: URL(fileURLWithPath: settings.path))
        #expect(read() == [3, 4])
        try Data(lines(1...2).utf8).write(to: URL(fileURLWithPath: settings.path + ".1"))
        #expect(read() == [1, 2, 3, 4])
    }

    @Test func tornAndStrangeLinesArePassedOver() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = lines(1...1) + "nonsense\n\0\0\0\n" + lines(2...2) + lines(3...3).dropLast(5)
        try Data(text.utf8).write(to: URL(fileURLWithPath: settings.path))
        #expect(read() == [1, 2])
    }

    @Test func onlyTheEndOfALongOneIsRead() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(lines(1...40_000).utf8).write(to: URL(fileURLWithPath: settings.path))
        let serials = read()
        #expect(serials.last == 40_000 && serials.count > 3000 && serials.count < 20_000)
        #expect(serials == Array(40_001 - UInt64(serials.count)...40_000))
    }
}
