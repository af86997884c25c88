// Messages: how a case of an enumeration becomes a type byte and fields, and back. No I/O.

/// Walks over the cases of a message: writing takes the message's own case, reading makes the case that the type names.
/// One list of numbers and cases serves for both directions, so that they cannot differ.
public protocol CaseCoder<Whole> {
    associatedtype Whole: CaseList
    /// A case without fields.
    mutating func bare(_ type: UInt8, _ whole: Whole) throws
    /// A case with a value.
    ///
    /// - Parameters:
    ///   - make: the case.
    ///   - value: what the case holds; nil for another case.
    mutating func value<Value: WireValue>(
        _ type: UInt8, _ make: (Value) -> Whole, _ value: (Whole) -> Value?) throws
}

/// An enumeration whose cases have numbers on the wire.
public protocol CaseList: Equatable, Sendable {
    static func cases(_ coder: inout some CaseCoder<Self>) throws
}

extension CaseList {
    /// Reads the fields of the case with this number; nil where there is none.
    static func read(_ type: UInt8, from reader: inout WireReader) throws -> Self? {
        var coder = CaseReader<Self>(type: type, reader: reader)
        try cases(&coder)
        reader = coder.reader
        return coder.result
    }

    /// - Throws: `WireError.unnumbered` where the list does not have this case.
    func writeCase(to writer: inout WireWriter) throws {
        var coder = CaseWriter(whole: self)
        // Its bytes are moved and not copied: there may be many of them.
        swap(&coder.writer, &writer)
        defer { swap(&coder.writer, &writer) }
        try Self.cases(&coder)
        guard coder.isWritten else { throw WireError.unnumbered }
    }
}

private struct CaseReader<Whole: CaseList>: CaseCoder {
    let type: UInt8
    var reader: WireReader
    var result: Whole?

    mutating func bare(_ type: UInt8, _ whole: Whole) {
        if type == self.type { result = whole }
    }

    mutating func value<Value: WireValue>(
        _ type: UInt8, _ make: (Value) -> Whole, _ value: (Whole) -> Value?
    ) throws {
        guard type == self.type else { return }
        result = make(try reader.value())
    }
}

private struct CaseWriter<Whole: CaseList>: CaseCoder {
    let whole: Whole
    var writer = WireWriter()
    var isWritten = false

    mutating func bare(_ type: UInt8, _ whole: Whole) {
        guard !isWritten, whole == self.whole else { return }
        writer.bytes.append(type)
        isWritten = true
    }

    mutating func value<Value: WireValue>(
        _ type: UInt8, _ make: (Value) -> Whole, _ value: (Whole) -> Value?
    ) throws {
        guard !isWritten, let value = value(whole) else { return }
        try writer.message(type, value)
        isWritten = true
    }
}

extension WireWriter {
    public mutating func message(_ type: UInt8, _ value: some WireValue) throws {
        bytes.append(type)
        var value = value
        try value.fields(&self)
    }
}

extension WireReader {
    public mutating func value<Value: WireValue>() throws -> Value {
        var value = Value()
        try value.fields(&self)
        return value
    }
}
