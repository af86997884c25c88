// One user as its folder describes it: user.yaml, and the executable `start`.
//
// Neither file may be a symbolic link, nor the folder one that leads out of the users' folder. Anything but a regular
// file is not opened for longer than it takes to see that. An account that may write in a user's folder must not make
// Steward read something else or wait. A file that other accounts may write is refused (`Ownership`).

import Glibc
import Shared
import SharedSystem

/// Reads users from one users' folder.
struct UserFolder {
    static let settingsName = "user.yaml"
    static let startName = "start"

    /// What a look found.
    struct Look {
        var finding: Finding
        /// user.yaml is empty or faulty, and so young that a program may still be writing it.
        var isFresh = false
        /// Tells whether anything has changed since; nil where a change could go unnoticed.
        var stamp: UInt64?
    }

    /// Absolute path of the users' folder.
    let users: String
    /// The names that a user.yaml may give as its database.
    let databases: [String]
    let ownership: Ownership

    func path(of user: UserName) -> String { "\(users)/\(user)" }

    /// Reads the user's files.
    func look(at user: UserName) -> Look {
        let folder = path(of: user)
        let file = "\(folder)/\(Self.settingsName)"
        if let target = foreignTarget(of: folder) {
            let text = "\(folder): is a symbolic link out of the users' folder: \(target)"
            return Look(finding: Self.status(file) == nil ? .absent : .fault(text))
        }
        do throws(TextFileError) {
            let content = try TextFile(file, atMost: UserSettings.longestFile, followsLink: false)
            let start = Self.status("\(folder)/\(Self.startName)")
            var look = Look(finding: finding(user, content, file, start))
            let isYoung = Self.age(content.status) < Agenda.settle
            look.isFresh = isYoung && (content.text.isEmpty || look.finding.isFault)
            // A file can change twice within the grain of its clock, so what is too young gets no stamp.
            let isOld = !isYoung && start.map { Self.age($0) >= Agenda.settle } ?? true
            look.stamp = isOld ? Self.stamp(content.status, start) : nil
            return look
        } catch {
            switch error {
            case .system(ENOENT), .system(ENOTDIR): return Look(finding: .absent)
            case .system, .notRegular, .tooLong, .notUTF8: return Look(finding: .fault("\(file): \(error)"))
            }
        }
    }

    /// Where a link leads that does not stay in the users' folder; nil for whatever else there is, or is not.
    private func foreignTarget(of folder: String) -> String? {
        guard let status = Self.status(folder), status.st_mode & S_IFMT == S_IFLNK,
            let target = try? FilePath.resolved(folder), let home = try? FilePath.resolved(users)
        else { return nil }
        return target.hasPrefix("\(home)/") ? nil : target
    }

    /// The stamp that `look` would answer, without reading anything; nil where there is no user.yaml.
    func stamp(of user: UserName) -> UInt64? {
        let folder = path(of: user)
        return Self.status("\(folder)/\(Self.settingsName)").map { file in
            Self.stamp(file, Self.status("\(folder)/\(Self.startName)"))
        }
    }

    private func finding(_ user: UserName, _ content: TextFile, _ file: String, _ start: stat?) -> Finding {
        do {
            var settings = try UserSettings(
                text: content.text, file: file, databases: databases, isRoot: ownership.isRoot)
            if let objection = ownership.objection(to: content.status, runAs: settings.runAs) {
                return .fault("\(file): \(objection)")
            }
            if let start, let objection = objection(toStart: start, settings.runAs) {
                return .fault("\(path(of: user))/\(Self.startName): \(objection)")
            }
            settings.name = user
            settings.folder = path(of: user)
            settings.start = start.map(Self.startStamp) ?? 0
            return .user(settings)
        } catch {
            return .fault("\(error)")
        }
    }

    /// Only what would be executed has to be in order.
    private func objection(toStart start: stat, _ runAs: String?) -> String? {
        if start.st_mode & S_IFMT == S_IFLNK { return "\(TextFileError.system(ELOOP))" }
        if start.st_mode & S_IFMT != S_IFREG { return "\(TextFileError.notRegular)" }
        return Self.startStamp(start) == 0 ? nil : ownership.objection(to: start, runAs: runAs)
    }

    private static func status(_ path: String) -> stat? {
        var status = Glibc.stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    /// Time since the last change by the wall clock, the only one that files have. A file from the future is old.
    private static func age(_ status: stat) -> Duration {
        let changed = Int64(status.st_ctim.tv_sec) * 1000 + Int64(status.st_ctim.tv_nsec) / 1_000_000
        let age = wallClock() - changed
        return age < 0 ? .seconds(3600) : .milliseconds(age)
    }

    /// The same before and after a restart of pathwatch; 0 for what cannot be executed.
    private static func startStamp(_ status: stat) -> UInt64 {
        guard status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o111 != 0 else { return 0 }
        let modified = status.st_mtim
        return max(1, mix([UInt64(status.st_ino), UInt64(bitPattern: Int64(status.st_size)), nanoseconds(modified)]))
    }

    private static func stamp(_ file: stat, _ start: stat?) -> UInt64 {
        mix([identity(file), start.map(identity) ?? 0])
    }

    /// Changes with whatever a look at the file could see.
    static func identity(_ status: stat) -> UInt64 {
        mix([
            UInt64(status.st_dev), UInt64(status.st_ino), UInt64(bitPattern: Int64(status.st_size)),
            UInt64(status.st_mode), nanoseconds(status.st_ctim), nanoseconds(status.st_mtim),
        ])
    }

    private static func nanoseconds(_ time: timespec) -> UInt64 {
        UInt64(bitPattern: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    /// Shuffled at the end, because words, unlike bytes, differ in their upper halves.
    private static func mix(_ words: [UInt64]) -> UInt64 {
        var fingerprint = Fingerprint()
        for word in words { fingerprint.add(word) }
        return (fingerprint.value ^ (fingerprint.value >> 32)) &* 0x9E37_79B9_7F4A_7C15
    }
}
