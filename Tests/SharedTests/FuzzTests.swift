// The subjects of `make fuzz` with valid bytes that are changed a little, the same ones at every run.

import FuzzSubjects
import Glibc
import Shared
import SharedSystem
import Testing

@Suite struct FuzzTests {
    @Test(arguments: [(Subject.user, "user"), (.configuration, "steward"), (.package, "package")])
    func changedTextsAreReadOrRefusedWithTheirPlace(subject: Subject, name: String) throws {
        let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        let seed = Array(try TextFile("/\(folder)/Fuzz/\(name).yaml", atMost: 1 << 15, followsLink: false).text.utf8)
        var mutator = Mutator(seeds: [seed])
        for round in 0..<8000 {
            let bytes = mutator.next()
            #expect(throws: Never.self, "round \(round): \(String(decoding: bytes, as: UTF8.self))") {
                try subject.examine(bytes)
            }
        }
    }

    @Test(arguments: Direction.allCases.filter { $0 != .link })
    fileprivate func changedMessagesAreUnderstoodOrRefused(direction: Direction) throws {
        let messages = goldenMessages.filter { [.link, direction].contains($0.direction) }.map { bytes($0.hex) }
        var mutator = Mutator(seeds: messages)
        var chance = FixedNumbers(seed: 3)
        for round in 0..<8000 {
            var stream = [UInt8.random(in: 0...255, using: &chance)]
            for _ in 0..<Int.random(in: 1...4, using: &chance) {
                let payload = mutator.next()
                try Frame.append(to: &stream) { $0.bytes.append(contentsOf: payload.isEmpty ? [2] : payload) }
            }
            // A length that is wrong, too.
            if round % 4 == 0 { stream[Int.random(in: 1...4, using: &chance)] &+= 1 }
            #expect(throws: Never.self, "round \(round): \(hex(stream))") { try direction.subject.examine(stream) }
        }
    }
}

extension Direction {
    /// Where the link has messages of its own, they are tried with each of the others.
    fileprivate var subject: Subject {
        switch self {
        case .link, .toKeeper: .toKeeper
        case .fromKeeper: .fromKeeper
        case .toPathwatch: .toPathwatch
        case .fromPathwatch: .fromPathwatch
        case .toDBWatch: .toDBWatch
        case .fromDBWatch: .fromDBWatch
        case .toDispatch: .toDispatch
        case .fromDispatch: .fromDispatch
        case .request: .request
        case .answer: .answer
        }
    }
}

/// Makes new bytes out of valid ones, by one change to a few.
private struct Mutator {
    private static let tokens = [
        "{", "}", "[", "]", ": ", "- ", "\n", "\n  ", "\t", "\r\n", "\"", "'", "&a ", "*a", "*env", "<<: ", "|\n", "#",
        "? ", "!!int ", "---\n", "...\n", "%YAML 9.9\n", "null", "~", "unlimited", "root", "-1", "99999999999999999999",
        "1e309", "0x1F", "é", "\u{2028}", "\u{0}", "\u{85}", "\u{FEFF}", "\u{1F600}",
    ].map { Array($0.utf8) }

    let seeds: [[UInt8]]
    private var chance = FixedNumbers(seed: 1)

    init(seeds: [[UInt8]]) {
        self.seeds = seeds
    }

    mutating func next() -> [UInt8] {
        var bytes = seed()
        for _ in 0..<Int.random(in: 1...4, using: &chance) { change(&bytes) }
        return bytes
    }

    private mutating func seed() -> [UInt8] { seeds.randomElement(using: &chance) ?? [] }

    private mutating func range(of bytes: [UInt8]) -> Range<Int> {
        let start = Int.random(in: 0...bytes.count, using: &chance)
        return start..<min(bytes.count, start + Int.random(in: 0...20, using: &chance))
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let place = range(of: bytes)
        switch Int.random(in: 0..<6, using: &chance) {
        case 0: bytes.removeSubrange(place)
        case 1: bytes.replaceSubrange(place, with: Self.tokens.randomElement(using: &chance) ?? [])
        case 2: bytes.insert(contentsOf: Self.tokens.randomElement(using: &chance) ?? [], at: place.lowerBound)
        case 3:
            let other = seed()
            bytes.insert(contentsOf: other[range(of: other)], at: place.lowerBound)
        case 4: if !place.isEmpty { bytes[place.lowerBound] = UInt8.random(in: 0...255, using: &chance) }
        default: if !place.isEmpty { bytes[place.lowerBound] ^= 1 << UInt8.random(in: 0...7, using: &chance) }
        }
    }
}
