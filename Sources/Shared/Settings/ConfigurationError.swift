// What is wrong with a file that an operator wrote.

/// A place in a text, both counted from 1; columns count Unicode scalars.
public struct TextPlace: Equatable, Sendable {
    public let line: Int
    public let column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// One line for the operator: where, what was found and what was expected.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// The path as it was given.
    public let file: String
    /// Nil where the trouble is with the file as a whole.
    public let place: TextPlace?
    public let text: String

    public init(file: String, place: TextPlace?, text: String) {
        self.file = file
        self.place = place
        self.text = text
    }

    /// `FILE:LINE:COLUMN: text`, or `FILE: text`.
    public var description: String {
        place.map { "\(file):\($0.line):\($0.column): \(text)" } ?? "\(file): \(text)"
    }
}

/// The exit code for a bad configuration: EX_CONFIG of sysexits.h.
public let badConfigurationExitCode: Int32 = 78
