// What was last reported of the versions, and what has to be reported now. No I/O.

import Shared
import SharedSystem

struct PackageReports {
    private var versions: [String: FromPathwatch] = [:]
    private var current: CurrentPackage?
    private var trouble: String?

    /// Every version of which anything has been reported.
    var names: [String] { Array(versions.keys) }

    /// The reports that make master's knowledge of a version agree with what was found.
    mutating func found(_ finding: PackageFinding, of version: String) -> [FromPathwatch] {
        let report: FromPathwatch
        switch finding {
        case .package(let manifest): report = .package(manifest)
        case .faults(let faults):
            report = .packageFault(PackageFault(version: version, text: faults.joined(separator: "; ")))
        case .absent:
            return versions.removeValue(forKey: version) == nil ? [] : [.packageGone(TextLine(version))]
        }
        guard versions.updateValue(report, forKey: version) != report else { return [] }
        return [report]
    }

    mutating func found(_ link: CurrentPackage) -> [FromPathwatch] {
        // Master takes it as the end of a trouble, too.
        guard current != link || trouble != nil else { return [] }
        (current, trouble) = (link, nil)
        return [.currentPackage(link)]
    }

    /// The packages' folder as a whole cannot be read.
    mutating func found(trouble text: String) -> [FromPathwatch] {
        guard trouble != text else { return [] }
        trouble = text
        return [.packageFault(PackageFault(version: nil, text: text))]
    }
}
