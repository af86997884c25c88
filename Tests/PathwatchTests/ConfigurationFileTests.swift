// The configuration file as pathwatch sees it: that it may have changed, and nothing else.

import Foundation
import Testing

@testable import Shared
@testable import SharedSystem

@Suite struct ConfigurationFileTests {
    /// A pathwatch that has said once that the file may have changed, as it does at its start.
    private func watching(_ path: String, _ fixture: UsersFixture) async throws -> PathwatchProcess {
        let process = try PathwatchProcess()
        try process.send(fixture.users, configuration: path)
        try await process.wait("the first report") { process.configurations == 1 }
        return process
    }

    @Test func everyWayOfSavingIsSeen() async throws {
        let fixture = try UsersFixture()
        let path = fixture.root + "/steward.yaml"
        try fixture.write("users: ./users\n", to: path)
        let process = try await watching(path, fixture)

        try fixture.write("users: ./users\nlogs: ./a\n", to: path)
        try await process.wait("a write in place") { process.configurations >= 2 }
        var count = process.configurations

        try fixture.write("users: ./users\nlogs: ./b\n", to: path + ".draft")
        try check("rename") { rename(path + ".draft", path) }
        try await process.wait("a rename") { process.configurations > count }
        count = process.configurations

        try check("unlink") { unlink(path) }
        try await process.wait("a deletion") { process.configurations > count }
        count = process.configurations
        try fixture.write("users: ./users\n", to: path)
        try await process.wait("a new file") { process.configurations > count }
    }

    /// As a volume of Kubernetes: steward.yaml → ..data/steward.yaml, ..data → ..1/.
    @Test func aLinkThatIsTurnedOverIsSeen() async throws {
        let fixture = try UsersFixture()
        let root = fixture.root
        for version in ["..1", "..2"] {
            try FileManager.default.createDirectory(atPath: "\(root)/\(version)", withIntermediateDirectories: false)
            try fixture.write("users: ./users # \(version)\n", to: "\(root)/\(version)/steward.yaml")
        }
        try check("symlink") { symlink("..1", "\(root)/..data") }
        try check("symlink") { symlink("..data/steward.yaml", "\(root)/steward.yaml") }
        let process = try await watching("\(root)/steward.yaml", fixture)
        try check("symlink") { symlink("..2", "\(root)/..new") }
        try check("rename") { rename("\(root)/..new", "\(root)/..data") }
        try await process.wait("the other version") { process.configurations == 2 }
        // Where the links lead now is watched, too.
        try fixture.write("users: ./users # again\n", to: "\(root)/..2/steward.yaml")
        try await process.wait("a write behind the links") { process.configurations == 3 }
    }

    @Test func otherFilesAreNoConfiguration() async throws {
        let fixture = try UsersFixture()
        let path = fixture.root + "/steward.yaml"
        try fixture.write("users: ./users\n", to: path)
        let process = try await watching(path, fixture)
        for name in [".steward.yaml.swp", "steward.yaml~", "#steward.yaml#", "other.yaml"] {
            try fixture.write("logs: ./a\n", to: "\(fixture.root)/\(name)")
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        try await process.wait("the permissions") { process.configurations > 1 }
        #expect(process.configurations == 2)
    }
}
