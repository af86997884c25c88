// The versions of the application, and which of them a user is to run. No I/O.
//
// The table holds the versions as pathwatch has reported them. A user runs the version that its user.yaml pins,
// otherwise its given version, otherwise the one in force. While its worker runs, a user stays on its
// version. At a start (a crash, a restart, new settings), a version that cannot be started is replaced by the one in
// force, and the reason is kept. Current is the last usable version that packages/current has named, so that a bad
// publication harms no user. In force is the last version that has reached all users it was for. Current takes its
// place only if there is none, or if it cannot be used any more.
//
// - A running version is known by its name: in the plan's fingerprint, in the process and in the records. A version is
//   the same for ever. One that was changed in place (its `identity`: the text of package.yaml and the inode of the
//   folder) goes on for the users that run it, by its first manifest and also after a crash, because nothing better
//   can be done for them. It is refused to all other users.
// - A version that is gone keeps its manifest in the table for as long as a user runs it. If it was gone before this
//   master saw it, its manifest is unknown: the users that run it are left alone until a start is due anyway.
// - For the next master, RUNTIME/state has the version of each user, and the former version of a user that is being
//   upgraded. Because RUNTIME/state may be lost, STATE/versions has them, too. It is written half a second after a
//   change, and at the ordered end.
// - pathwatch reports all versions and then `current` before the end of its snapshot, so that no user is started
//   before its version is known. The first `currentPackage` after a `begin` ends the list. A version that is not on
//   the list is gone.

import Shared

/// The version for a user.
struct VersionChoice: Equatable, Sendable {
    /// Nil where none can be started.
    var version: String?
    /// Why it is not the version that the user should run; nil where it is.
    var trouble: String?
}

package struct PackageTable: Equatable, Sendable {
    /// Why no user, or no other user, may be started on a version.
    enum Objection: Equatable, Sendable {
        case gone
        /// It has never been seen.
        case unknown
        /// It has been usable, and is another one now, or its package.yaml is wrong now.
        case changed(String)
        /// It has never been usable.
        case faulty(String)

        var text: String {
            switch self {
            case .gone: "is gone"
            case .unknown: "is not there"
            case .changed(let how): "was changed in place: \(how)"
            case .faulty(let fault): "cannot be used: \(fault)"
            }
        }
    }

    struct Row: Equatable, Sendable {
        /// As it was first seen, also when it is gone: users that run it are judged by it.
        var manifest: PackageManifest?
        var objection: Objection?
    }

    private(set) var rows: [String: Row] = [:]
    /// What packages/current says.
    private var link = CurrentPackage()
    /// The last usable version that packages/current has named.
    package private(set) var current: String?
    /// Why the packages' folder as a whole cannot be read now.
    private(set) var folderFault: String?
    /// Versions that pathwatch has reported since its last hello; nil once it has reported all.
    private var reported: Set<String>? = []

    /// Whether pathwatch has reported everything that is there.
    var isComplete: Bool { reported == nil }

    func manifest(of version: String?) -> PackageManifest? { version.flatMap { rows[$0]?.manifest } }

    func objection(to version: String) -> Objection? { rows[version].map(\.objection) ?? .unknown }

    // MARK: reports of pathwatch

    /// Another pathwatch tells everything anew.
    mutating func beginReports() {
        reported = []
    }

    /// A version that is there.
    mutating func published(_ manifest: PackageManifest) {
        reported?.insert(manifest.version)
        folderFault = nil
        let known = rows[manifest.version]?.manifest
        if let known, known.identity != manifest.identity {
            let how = "its folder or its \(PackageManifest.fileName) is another one; publish it under a new name"
            rows[manifest.version]?.objection = .changed(how)
        } else {
            rows[manifest.version] = Row(manifest: manifest)
        }
        enforce()
    }

    /// The folder as a whole cannot be read.
    ///
    /// - Returns: whether that is news.
    mutating func failed(_ fault: String) -> Bool {
        defer { folderFault = fault }
        return folderFault != fault
    }

    mutating func refused(_ version: String, _ fault: String) {
        reported?.insert(version)
        folderFault = nil
        let isKnown = rows[version]?.manifest != nil
        rows[version, default: Row()].objection = isKnown ? .changed(fault) : .faulty(fault)
    }

    mutating func vanished(_ version: String) {
        rows[version, default: Row()].objection = .gone
    }

    /// - Returns: the versions that have gone while no pathwatch ran.
    mutating func named(_ report: CurrentPackage) -> [String] {
        link = report
        folderFault = nil
        var missing: [String] = []
        if let reported {
            missing = rows.filter { !reported.contains($0.key) && $0.value.objection != .gone }.keys.sorted()
        }
        reported = nil
        for version in missing { vanished(version) }
        enforce()
        return missing
    }

    /// Forgets versions that are gone and that no user runs: the next one of that name is a new one.
    mutating func forget(unless isUsed: (String) -> Bool) {
        rows = rows.filter { $0.value.objection != .gone || isUsed($0.key) }
    }

    private mutating func enforce() {
        if let named = link.version, objection(to: named) == nil { current = named }
    }

    // MARK: choice

    /// The version that a user is to run: the one it is pinned to, else the one it runs, else the one in force.
    ///
    /// - Parameters:
    ///   - present: what the user runs, or has run last.
    ///   - inForce: the version for users that have none.
    ///   - isStarting: whether a process is about to be started. Then what cannot be started is replaced by the version
    ///     in force; until then a user stays on what it runs.
    ///   - takesCurrent: whether each start takes the version in force.
    func choice(pin: String?, present: String?, inForce: String?, isStarting: Bool, takesCurrent: Bool)
        -> VersionChoice
    {
        let wish = pin ?? (isStarting && takesCurrent ? inForce : nil) ?? present ?? inForce
        guard let wish else { return VersionChoice(trouble: linkTrouble ?? "no version is in force") }
        if mayStart(wish, present) { return VersionChoice(version: wish) }
        let trouble = objection(to: wish).map { "\(wish) \($0.text)" }
        if !isStarting, let present { return VersionChoice(version: present, trouble: trouble) }
        let second = [inForce, current, present].compactMap(\.self).first { mayStart($0, present) }
        return VersionChoice(version: second, trouble: trouble)
    }

    private func mayStart(_ version: String, _ present: String?) -> Bool {
        switch objection(to: version) {
        case nil: true
        case .changed: version == present
        case .gone, .unknown, .faulty: false
        }
    }

    // MARK: what the operator should know

    /// Why packages/current has no effect; nil where it has.
    var linkTrouble: String? {
        let stays = current.map { "; \($0) stays in force" } ?? ""
        if let fault = link.fault { return fault + stays }
        guard let named = link.version else { return "packages/current names no version\(stays)" }
        guard let objection = objection(to: named) else { return nil }
        return "packages/current names \(named), which \(objection.text)\(named == current ? "" : stays)"
    }
}
