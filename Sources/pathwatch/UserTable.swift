// What was last reported of each user, and what has to be reported now. No I/O.

import Shared

/// What a look at a user's files answers.
enum Finding: Equatable {
    case user(UserSettings)
    /// The files are there and cannot be used: the user stays as it was.
    case fault(String)
    case absent

    var isFault: Bool {
        switch self {
        case .fault: true
        case .user, .absent: false
        }
    }
}

/// The users as master knows them from the reports.
struct UserTable {
    private struct Entry {
        /// The settings that were reported, in their wire form: all it takes to tell a change, in a third of the memory.
        var settings: [UInt8]?
        var fault: String?
    }

    private var entries: [UserName: Entry] = [:]

    /// All users of which anything has been reported.
    var names: [UserName] { Array(entries.keys) }
    var isEmpty: Bool { entries.isEmpty }

    func knows(_ user: UserName) -> Bool { entries[user] != nil }

    /// The reports that make master's knowledge of `user` agree with what was found.
    mutating func found(_ finding: Finding, of user: UserName) -> [FromPathwatch] {
        switch finding {
        case .absent:
            // Where only a fault was reported, master may know the user from an earlier pathwatch.
            return entries.removeValue(forKey: user) == nil ? [] : [.deluser(user)]
        case .fault(let text):
            guard entries[user]?.fault != text else { return [] }
            entries[user, default: Entry()].fault = text
            return [.fault(UserFault(name: user, text: text))]
        case .user(let settings):
            guard let bytes = Self.bytes(settings) else {
                return found(.fault("\(settings.folder): the settings are too long"), of: user)
            }
            return found(settings, bytes)
        }
    }

    private mutating func found(_ settings: UserSettings, _ bytes: [UInt8]) -> [FromPathwatch] {
        let before = entries[settings.name]
        guard before?.settings != bytes || before?.fault != nil else { return [] }
        entries[settings.name] = Entry(settings: bytes)
        var reports: [FromPathwatch] = []
        if before?.settings == nil {
            reports.append(.adduser(settings))
        } else if before?.settings != bytes {
            reports.append(.moduser(settings))
        }
        if before?.fault != nil { reports.append(.faultless(settings.name)) }
        return reports
    }

    /// Nil where they do not fit a message: aliases can make a short file mean a lot.
    private static func bytes(_ settings: UserSettings) -> [UInt8]? {
        var writer = WireWriter()
        guard (try? writer.message(0, settings)) != nil, writer.bytes.count <= Frame.maximum else { return nil }
        return writer.bytes
    }
}
