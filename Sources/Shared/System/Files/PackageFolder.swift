// One version of the application as its folder shows it.

import Glibc
import Shared

/// What a look at a version's folder answers.
public enum PackageFinding: Equatable, Sendable {
    case package(PackageManifest)
    /// Each thing that is wrong, in one line; FILE:LINE:COLUMN first, where it has a place.
    case faults([String])
    case absent
}

public enum PackageFolder {
    /// - Parameter folder: absolute; its last part is the version's name.
    public static func look(at folder: String, _ ownership: Ownership) -> PackageFinding {
        var status = Glibc.stat()
        guard stat(folder, &status) == 0 else {
            return errno == ENOENT || errno == ENOTDIR
                ? .absent : .faults(["\(folder): \(TextFileError.system(errno))"])
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return .absent }
        let file = "\(folder)/\(PackageManifest.fileName)"
        var faults: [String] = []
        if let objection = ownership.objection(to: status) { faults.append("\(folder): \(objection)") }
        do {
            let content = try TextFile(file, atMost: PackageManifest.longestFile, followsLink: false)
            if let objection = ownership.objection(to: content.status) { faults.append("\(file): \(objection)") }
            let name = folder.split(separator: "/").last.map(String.init) ?? ""
            var manifest = try PackageManifest(text: content.text, file: file, version: name)
            manifest.folder = folder
            manifest.identity = identity(status, content.text)
            faults += missing(manifest).map { "\(file): command: \(Setting.quoted($0)) is not there" }
            return faults.isEmpty ? .package(manifest) : .faults(faults)
        } catch TextFileError.system(ENOENT) {
            return .faults(["\(folder): is incomplete: there is no \(PackageManifest.fileName)"] + faults)
        } catch let error as TextFileError {
            return .faults(["\(file): \(error)"] + faults)
        } catch {
            return .faults(["\(error)"] + faults)
        }
    }

    private static func identity(_ status: stat, _ text: String) -> UInt64 {
        var identity = Fingerprint()
        identity.add(text)
        identity.add("\(status.st_ino)")
        return identity.value
    }

    /// Words of the command that name something in the package, and do not find it.
    private static func missing(_ manifest: PackageManifest) -> [String] {
        let mark = "{package}/"
        return (manifest.command ?? []).filter { word in
            guard word.hasPrefix(mark), !word.dropFirst(mark.count).contains("{") else { return false }
            return access("\(manifest.folder)/\(word.dropFirst(mark.count))", F_OK) != 0
        }
    }
}
