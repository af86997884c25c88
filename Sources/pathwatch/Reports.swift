// Reports as lines for people: what pathwatch prints when it is run by hand.

import Shared
import SharedSystem

extension FromPathwatch: CustomStringConvertible {
    /// The values of variables are left out: they may be secrets.
    public var description: String {
        switch self {
        case .adduser(let user): "adduser \(user.line)"
        case .moduser(let user): "moduser \(user.line)"
        case .deluser(let name): "deluser \(name)"
        case .fault(let fault): "fault \(fault.name) \(fault.text)"
        case .faultless(let name): "faultless \(name)"
        case .complete: "complete"
        case .folder(let report): "folder \(report.line)"
        case .begin: "begin"
        case .configuration: "configuration"
        case .package(let manifest): "package \(manifest.line)"
        case .packageFault(let fault): "fault \(fault.version ?? "packages") \(fault.text)"
        case .packageGone(let version): "packagegone \(version.text)"
        case .currentPackage(let current): "current \(current.version ?? current.fault ?? "none")"
        }
    }
}

extension FolderReport {
    fileprivate var line: String {
        trouble ?? "device=\(identity.device) inode=\(identity.inode)\(isSearched ? " searched" : "")"
    }
}

extension PackageManifest {
    fileprivate var line: String {
        var words = [version, "folder=\(folder)"]
        if let program = command?.first { words.append("command=\(program)") }
        words += check.words
        if let requires { words.append("requires=\(requires)") }
        return words.joined(separator: " ")
    }
}

extension UserSettings {
    fileprivate var line: String {
        var words = [name.text, "plan=\(plan)"]
        if let database { words.append("database=\(database)") }
        if let package { words.append("package=\(package)") }
        if !env.isEmpty { words.append("env=\(env.keys.sorted().joined(separator: ","))") }
        words += check.words
        words += limits.words
        if let runAs { words.append("run_as=\(runAs)") }
        if !enabled { words.append("enabled=false") }
        if let program = command?.first { words.append("command=\(program)") }
        if start != 0 { words.append("start") }
        return words.joined(separator: " ")
    }
}

extension CheckOverrides {
    fileprivate var words: [String] {
        let values: KeyValuePairs<String, String?> = [
            "path": path.map { $0.isEmpty ? "none" : $0 }, "interval": interval.map { "\($0.milliseconds)ms" },
            "timeout": timeout.map { "\($0.milliseconds)ms" }, "fall": fall.map(String.init),
            "rise": rise.map(String.init),
        ]
        return values.compactMap { key, value in value.map { "check.\(key)=\($0)" } }
    }
}

extension LimitOverrides {
    fileprivate var words: [String] {
        let values: KeyValuePairs<String, Int?> = ["memory": memory, "files": files, "core": core, "nice": nice]
        return values.compactMap { key, value in
            value.map { "limits.\(key)=\($0 == LimitSettings.unlimited ? "unlimited" : "\($0)")" }
        }
    }
}
