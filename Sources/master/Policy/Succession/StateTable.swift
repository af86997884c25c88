// The form of RUNTIME/state: one fixed slot a user, each with two copies of which one is always whole. No I/O.
//
// A slot is written by replacing its older copy, with the next number and a checksum behind it: a master that dies in the
// middle leaves the other copy. A copy is a number (8 bytes), the length of what follows (2), a record in the wire form
// and the fingerprint of all that (8); a slot that belongs to no user has no record.

import Shared

package enum StateTable {
    /// Two processes with the longest names fit a copy.
    package static let slotSize = 1536
    private static let copySize = slotSize / 2
    private static let magic = Array("steward state 3\n".utf8)
    private static let bootSize = 40

    package enum Damage: Error, Equatable, CustomStringConvertible {
        case header
        /// Of an earlier boot: whatever it tells of is gone.
        case earlierBoot

        package var description: String {
            switch self {
            case .header: "it is damaged, or of another version"
            case .earlierBoot: "it is of an earlier boot"
            }
        }
    }

    /// The first slot: what the file is.
    package static func header(boot: String) -> [UInt8] {
        let bytes = magic + boot.utf8.prefix(bootSize)
        return bytes + [UInt8](repeating: 0, count: slotSize - bytes.count)
    }

    /// The records of a whole file.
    ///
    /// - Returns: what could be read, and the number of slots that could not.
    package static func records(_ file: [UInt8], boot: String) throws -> (records: [UserRecord], damaged: Int) {
        guard file.count >= slotSize, file.starts(with: magic) else { throw Damage.header }
        let known = magic.count + bootSize
        guard file[..<known].elementsEqual(header(boot: boot)[..<known]) else { throw Damage.earlierBoot }
        var records: [UserRecord] = []
        var damaged = 0
        for start in stride(from: slotSize, through: file.count - slotSize, by: slotSize) {
            let copies = [file[start..<start + copySize], file[start + copySize..<start + slotSize]]
            let whole = copies.compactMap(content).max { $0.number < $1.number }
            guard let whole else {
                if copies.contains(where: { $0.contains { $0 != 0 } }) { damaged += 1 }
                continue
            }
            if let record = whole.record { records.append(record) }
        }
        return (records, damaged)
    }

    /// The bytes of a copy. Where the record is too long, processes are left out: those are found by their environment.
    package static func copy(_ record: UserRecord?, number: UInt64) throws -> [UInt8] {
        var record = record
        while true {
            var payload = WireWriter()
            if var record { try record.fields(&payload) }
            if payload.bytes.count <= copySize - 18 { return seal(payload.bytes, number) }
            guard record?.processes.popLast() != nil else { throw WireError.oversized(payload.bytes.count) }
        }
    }

    /// Where the copy of this number lies in the file.
    package static func offset(slot: Int, number: UInt64) -> Int {
        slotSize * (slot + 1) + Int(number % 2) * copySize
    }

    private static func seal(_ payload: [UInt8], _ number: UInt64) -> [UInt8] {
        var bytes = Self.bytes(number) + Self.bytes(UInt16(payload.count)) + payload
        bytes += Self.bytes(checksum(bytes[...]))
        return bytes
    }

    private static func content(_ copy: ArraySlice<UInt8>) -> (number: UInt64, record: UserRecord?)? {
        var head = WireReader(copy)
        var number: UInt64 = 0
        guard (try? head.field(&number)) != nil, number > 0, let size = try? head.count(0), size <= copySize - 18
        else { return nil }
        let end = copy.startIndex + 10 + size
        var tail = WireReader(copy[end...])
        var sum: UInt64 = 0
        guard (try? tail.field(&sum)) != nil, sum == checksum(copy[..<end]) else { return nil }
        guard size > 0 else { return (number, nil) }
        var reader = WireReader(copy[copy.startIndex + 10..<end])
        guard let record: UserRecord = try? reader.value(), (try? reader.finish()) != nil else { return nil }
        return (number, record)
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var sum = Fingerprint()
        sum.add(bytes)
        return sum.value
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}
