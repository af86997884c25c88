// What master writes down: the one owner of everything that outlives it.
//
// RUNTIME/state has a record of each user, for the next master of this boot; the files of STATE (KeptFiles) outlive the
// boot. The journal's file is written by the keeper: its last events are here until it has them.

import Logging
import Policy
import Shared
import SharedSystem

final class Ledger {
    let log = Logger.steward("master")
    /// STATE.
    let folder: String
    /// The last events, to be read.
    private(set) var journal: Journal
    private let records: StateFile
    /// Records that are not in RUNTIME/state as they should be, for the lack of room.
    private var unsaved: [UserName: UserRecord] = [:]

    init(_ records: StateFile, folder: String, _ journal: Journal) {
        (self.records, self.folder, self.journal) = (records, folder, journal)
    }

    // MARK: users

    /// Writes down a user's record. The next master finds a worker whose record is missing by its environment.
    func save(_ record: UserRecord) {
        do {
            try records.save(record)
            unsaved[record.name] = nil
        } catch {
            if unsaved.isEmpty { log.error("\(error): goes on without, and tries again") }
            unsaved[record.name] = record
        }
    }

    func erase(_ name: UserName) throws {
        unsaved[name] = nil
        try records.erase(name)
    }

    /// Tries again what could not be saved. One is as good as all to find that there is still no room.
    func saveAgain() {
        for record in unsaved.values {
            save(record)
            if unsaved[record.name] != nil { return }
        }
    }

    // MARK: events

    func record(_ happening: Happening) -> EventRecord {
        let about = happening.user.map { "\($0): " } ?? happening.subject.map { "\($0): " } ?? ""
        switch happening.weight {
        case .crowd: break
        case .routine: log.info("\(about)\(happening.text)")
        case .warning: log.warning("\(about)\(happening.text)")
        }
        return journal.append(happening, wall: wallClock())
    }

    /// The keeper has written every event up to this number.
    ///
    /// - Returns: what is worth an event of its own: that some are missing.
    func written(upTo serial: UInt64) -> Happening? { journal.wrote(upTo: serial) }

    func introduce(to keeper: KeeperLink) throws {
        for event in journal.unwritten { try keeper.send(.event(event)) }
    }
}
