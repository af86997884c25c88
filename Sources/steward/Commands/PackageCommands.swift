// The commands about versions of the application.

import ArgumentParser
import Shared
import SharedSystem

struct Package: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at versions of the application.", subcommands: [CheckPackage.self])
}

struct CheckPackage: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check a version's folder as Steward does before it runs it.",
        discussion: "Exit code 1, and one line for each thing that is wrong. No master is needed.")

    @OptionGroup var place: Place
    @Argument(help: "The folder, called as its version.") var folder: String

    func run() throws {
        // Where there is no configuration, no account but root may write the files of what root starts.
        let runAs = (try? Shared.Configuration.read(place.file))?.runAs
        let path = FilePath.absolute(folder)
        switch PackageFolder.look(at: path, Ownership(runAs: runAs)) {
        case .package(let manifest): Terminal.print("\(path): version \(manifest.version) is in order")
        case .faults(let faults): throw Failure(faults.joined(separator: "\nsteward: "), code: 1)
        case .absent: throw Failure("\(path): there is no such folder", code: 1)
        }
    }
}
