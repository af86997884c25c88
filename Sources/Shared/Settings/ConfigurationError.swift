// What is wrong with a file that an operator wrote.

/// A place in a text, both counted from 1; columns count Unicode scalars.
package struct TextPlace: Equatable, Sendable {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// One line for the operator: where, what was found and what was expected.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// The path as it was given.
    package let file: String
    /// Nil where the trouble is with the file as a whole.
    package let place: TextPlace?
    package let text: String

    package init(file: String, place: TextPlace?, text: String) {
        self.file = file
        self.place = place
        self.text = text
    }

    /// `FILE:LINE:COLUMN: text`, or `FILE: text`.
    package var description: String {
        place.map { "\(file):\($0.line):\($0.column): \(text)" } ?? "\(file): \(text)"
    }
}

/// The exit code for a bad configuration: EX_CONFIG of sysexits.h.
package let badConfigurationExitCode: Int32 = 78
