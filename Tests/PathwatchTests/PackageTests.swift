// The built pathwatch on a real packages' folder, and what is made of its looks.

import Foundation
import Testing

@testable import Shared
@testable import SharedSystem
@testable import pathwatch

@Suite struct PackageTests {
    /// A packages' folder beside a users' folder, and what developers do to it.
    private struct Folder {
        let fixture: UsersFixture
        var path: String { fixture.root + "/packages" }

        init() throws {
            fixture = try UsersFixture()
            try check("mkdir") { mkdir(fixture.root + "/packages", 0o755) }
        }

        /// Written elsewhere and moved into place.
        func publish(_ version: String, _ text: String? = nil) throws {
            let draft = "\(fixture.root)/draft-\(version)"
            try check("mkdir") { mkdir(draft, 0o755) }
            try fixture.write(text ?? "version: \(version)\n", to: draft + "/package.yaml")
            try fixture.move(draft, "\(path)/\(version)")
        }

        /// As `ln -s` and `mv -T` do it.
        func setCurrent(_ target: String) throws {
            let draft = "\(path)/.current"
            try check("symlink") { symlink(target, draft) }
            try fixture.move(draft, "\(path)/current")
        }

        func start() async throws -> PathwatchProcess {
            let process = try PathwatchProcess()
            try process.send(fixture.users, packages: path)
            try await process.wait("the snapshot") { process.snapshots == 1 }
            return process
        }
    }

    private static func words(_ process: PathwatchProcess) -> [String] {
        process.packageReports.map { report in
            switch report {
            case .package(let manifest): "package \(manifest.version)"
            case .packageFault(let fault): "fault \(fault.version ?? "-") \(fault.text)"
            case .packageGone(let version): "gone \(version.text)"
            case .currentPackage(let link): "current \(link.version ?? link.fault ?? "none")"
            default: "\(report)"
            }
        }
    }

    private static func wait(_ process: PathwatchProcess, for reports: [String]) async throws {
        try await process.wait("\(reports)") { words(process).count >= reports.count }
        #expect(words(process) == reports)
    }

    @Test func theSnapshotHasEveryVersionBeforeItsEnd() async throws {
        let folder = try Folder()
        try folder.publish("1.0", "version: 1.0\ncommand: [python3, app.py]\ncheck: /alive\nrequires: 0.1\n")
        try folder.publish("1.1", "version: 1.2\n")
        try check("mkdir") { mkdir(folder.path + "/2.0", 0o755) }
        try check("mkdir") { mkdir(folder.path + "/.draft", 0o755) }
        try folder.fixture.write("", to: folder.path + "/README")
        try folder.setCurrent("1.0")
        let process = try await folder.start()
        let real = try folder.fixture.realPath(folder.path)
        #expect(
            Self.words(process) == [
                "package 1.0",
                "fault 1.1 \(real)/1.1/package.yaml:1:10: version: found '1.2', expected '1.1', as its folder is called",
                "fault 2.0 \(real)/2.0: is incomplete: there is no package.yaml", "current 1.0",
            ])
        guard case .package(let manifest) = process.packageReports.first else { return }
        #expect(manifest.folder == "\(real)/1.0")
        #expect(manifest.command == ["python3", "app.py"])
        #expect(manifest.check.path == "/alive")
        #expect(manifest.identity != 0)
    }

    @Test func versionsComeAndGo() async throws {
        let folder = try Folder()
        let process = try await folder.start()
        try await Self.wait(process, for: ["current none"])
        try folder.publish("1.0")
        try await Self.wait(process, for: ["current none", "package 1.0"])
        try folder.setCurrent("\(folder.path)/1.0")
        try await Self.wait(process, for: ["current none", "package 1.0", "current 1.0"])
        try folder.fixture.remove(folder.path + "/1.0")
        let gone = ["current none", "package 1.0", "current 1.0", "gone 1.0"]
        try await process.wait("its end") { Self.words(process).last == "gone 1.0" }
        #expect(Self.words(process).filter { !$0.hasPrefix("fault") } == gone, "it may be seen half gone")
    }

    @Test func ofTwoLinksInARowTheLastOneCounts() async throws {
        let folder = try Folder()
        for version in ["1.0", "1.1", "1.2"] { try folder.publish(version) }
        try folder.setCurrent("1.0")
        let process = try await folder.start()
        let before = Self.words(process)
        try folder.setCurrent("1.1")
        try folder.setCurrent("1.2")
        try await Self.wait(process, for: before + ["current 1.2"])
        // Back and forth is nothing.
        try folder.setCurrent("1.1")
        try folder.setCurrent("1.2")
        try folder.publish("1.3")
        try await Self.wait(process, for: before + ["current 1.2", "package 1.3"])
    }

    @Test func whatIsNoLinkToAVersionIsNamed() async throws {
        let folder = try Folder()
        try folder.publish("1.0")
        try folder.setCurrent("/somewhere/1.0")
        let process = try await folder.start()
        let link = folder.path + "/current"
        #expect(
            Self.words(process).last
                == "current \(link): leads to \"/somewhere/1.0\", expected a version in \(folder.path)")
        unlink(link)
        try await process.wait("no link") { Self.words(process).last == "current none" }
        try folder.fixture.write("1.0", to: link)
        try await process.wait("a file") {
            Self.words(process).last == "current \(link): is no symbolic link, expected one to a version"
        }
        unlink(link)
        try folder.setCurrent("2.0")
        try await process.wait("a link to nowhere") { Self.words(process).last == "current 2.0" }
    }

    @Test func anotherPackageFileIsAnotherIdentity() async throws {
        let folder = try Folder()
        try folder.publish("1.0")
        let process = try await folder.start()
        let file = folder.path + "/1.0/package.yaml"
        func identities() -> [UInt64] {
            process.packageReports.compactMap { if case .package(let manifest) = $0 { manifest.identity } else { nil } }
        }
        try folder.fixture.write("version: 1.0\ncommand: [other]\n", to: file)
        try await process.wait("the change") { identities().count == 2 }
        try folder.fixture.replace("version: 1.0\n", at: file)
        try await process.wait("what was before") { identities().count == 3 }
        #expect(identities()[0] == identities()[2])
        #expect(identities()[0] != identities()[1])
        // A folder in the place of another.
        try folder.fixture.move(folder.path + "/1.0", folder.fixture.root + "/old")
        try folder.publish("1.0")
        try await process.wait("another folder") { identities().count == 4 }
        #expect(identities()[3] != identities()[0])
    }

    @Test func aVersionThatOthersMayWriteIsRefused() async throws {
        try #require(geteuid() == 0, "owners are looked at where master is root")
        let folder = try Folder()
        try folder.publish("1.0")
        try folder.publish("1.1")
        try folder.publish("1.2")
        chmod(folder.path + "/1.0/package.yaml", 0o666)
        chmod(folder.path + "/1.1", 0o777)
        chown(folder.path + "/1.2/package.yaml", 65534, 65534)
        let process = try await folder.start()
        let real = try folder.fixture.realPath(folder.path)
        let objection = "may be written by others than root: its"
        #expect(
            Self.words(process) == [
                "fault 1.0 \(real)/1.0/package.yaml: \(objection) mode is 0666, expected 0644",
                "fault 1.1 \(real)/1.1: \(objection) mode is 0777, expected 0755",
                "fault 1.2 \(real)/1.2/package.yaml: \(objection) owner is uid 65534", "current none",
            ])
        chmod(folder.path + "/1.1", 0o755)
        try await process.wait("what is mended") { Self.words(process).last == "package 1.1" }
    }

    @Test func aFolderThatGoesTakesNoVersionWithIt() async throws {
        let folder = try Folder()
        try folder.publish("1.0")
        try folder.setCurrent("1.0")
        let process = try await folder.start()
        let before = Self.words(process)
        try folder.fixture.move(folder.path, folder.path + ".away")
        try await process.wait("the trouble") { Self.words(process).last?.hasPrefix("fault - ") == true }
        try folder.fixture.move(folder.path + ".away", folder.path)
        try await process.wait("the folder") { Self.words(process).last == "current 1.0" }
        #expect(Self.words(process).filter { !$0.hasPrefix("fault - ") } == before + ["current 1.0"])
    }

    @Test func aVersionThatIsWrittenInPlaceIsCompleteWhenItsFileIs() async throws {
        let folder = try Folder()
        let process = try await folder.start()
        try check("mkdir") { mkdir(folder.path + "/1.0", 0o755) }
        try await process.wait("what is incomplete") { Self.words(process).last?.hasPrefix("fault 1.0") == true }
        try folder.fixture.write("version: 1.0\n", to: folder.path + "/1.0/package.yaml")
        try await process.wait("what is complete") { Self.words(process).last == "package 1.0" }
    }

    // MARK: what the command names has to be there

    @Test func filesOfTheCommandAreLookedFor() throws {
        let folder = try Folder()
        try folder.publish("1.0", "version: 1.0\ncommand: [\"{package}/bin/serve\", \"{package}/{user}\", x]\n")
        let look = { PackageFolder.look(at: folder.path + "/1.0", Ownership(runAs: nil)) }
        let file = folder.path + "/1.0/package.yaml"
        #expect(look() == .faults(["\(file): command: '{package}/bin/serve' is not there"]))
        try check("mkdir") { mkdir(folder.path + "/1.0/bin", 0o755) }
        try folder.fixture.write("", to: folder.path + "/1.0/bin/serve")
        guard case .package = look() else {
            Issue.record("\(look())")
            return
        }
    }
}

extension UsersFixture {
    fileprivate func realPath(_ path: String) throws -> String {
        guard let text = realpath(path, nil) else { throw SystemError("realpath", path) }
        defer { free(text) }
        return String(cString: text)
    }
}
