// The configuration file as it lies on the disk.

import Glibc
import Shared

extension Configuration {
    /// Where the file is looked for unless a command line says.
    public static var standardPath: String {
        getenv("STEWARD_CONFIG").map { String(cString: $0) } ?? "/etc/steward/steward.yaml"
    }

    /// - Parameter path: of the file; relative paths in it are seen from its folder.
    /// - Throws: `ConfigurationError`: the first thing that is wrong.
    public static func read(_ path: String) throws -> Configuration {
        try Configuration(text: content(path), file: path, folder: FilePath.folder(of: path))
    }

    /// The folders alone, of a file whose other keys may be wrong.
    public static func folders(_ path: String) throws -> ConfiguredFolders {
        try ConfiguredFolders(text: content(path), file: path, folder: FilePath.folder(of: path))
    }

    private static func content(_ path: String) throws -> String {
        do {
            return try TextFile(path, atMost: longestFile, followsLink: true).text
        } catch {
            throw ConfigurationError(file: path, place: nil, text: "\(error)")
        }
    }
}
