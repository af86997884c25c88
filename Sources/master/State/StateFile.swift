// RUNTIME/state: the mapped file that the next master reads.
//
// A change costs one small copy into memory; the kernel keeps it when this process dies. Room is made before it is used
// (posix_fallocate(3)), because a write into a hole of a full file system would end master by SIGBUS.

import Glibc
import Policy
import Shared
import SharedSystem

final class StateFile {
    private static let growth = 64
    private let file: Descriptor
    private let path: String
    private var map: UnsafeMutableRawBufferPointer?
    private var slots: [UserName: Int] = [:]
    private var free: [Int] = []
    private var numbers: [UInt64] = []

    /// Replaces the file at `path` by one with these records; where there is no room for both, the old one goes first.
    init(_ path: String, boot: String, records: [UserRecord]) throws {
        self.path = path
        let draft = "\(path).new"
        unlink(draft)
        file = Descriptor(
            owning: try check("open", draft) { open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) })
        do {
            try begin(boot, records)
        } catch let error as SystemError where error.code == ENOSPC {
            unlink(path)
            try begin(boot, records)
        }
        try check("rename", path) { rename(draft, path) }
    }

    private func begin(_ boot: String, _ records: [UserRecord]) throws {
        if numbers.isEmpty { try grow() }
        write(StateTable.header(boot: boot), at: 0)
        for record in records { try save(record) }
    }

    deinit {
        if let map { munmap(map.baseAddress, map.count) }
    }

    func save(_ record: UserRecord) throws {
        let slot = try slots[record.name] ?? take(record.name)
        try write(record, to: slot)
    }

    func erase(_ name: UserName) throws {
        guard let slot = slots.removeValue(forKey: name) else { return }
        free.append(slot)
        try write(nil, to: slot)
    }

    private func take(_ name: UserName) throws -> Int {
        if free.isEmpty { try grow() }
        guard let slot = free.popLast() else { throw SystemError("fallocate", path, code: ENOSPC) }
        slots[name] = slot
        return slot
    }

    private func write(_ record: UserRecord?, to slot: Int) throws {
        numbers[slot] += 1
        write(
            try StateTable.copy(record, number: numbers[slot]),
            at: StateTable.offset(slot: slot, number: numbers[slot]))
    }

    private func write(_ bytes: [UInt8], at offset: Int) {
        guard let map else { return }
        UnsafeMutableRawBufferPointer(rebasing: map[offset...]).copyBytes(from: bytes)
    }

    private func grow() throws {
        let count = numbers.count + Self.growth
        let size = StateTable.slotSize * (count + 1)
        let failure = posix_fallocate(file.number, 0, off_t(size))
        guard failure == 0 else { throw SystemError("posix_fallocate", path, code: failure) }
        let address = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.number, 0)
        guard let address, address != MAP_FAILED else { throw SystemError("mmap", path) }
        if let map { munmap(map.baseAddress, map.count) }
        map = UnsafeMutableRawBufferPointer(start: address, count: size)
        free += (numbers.count..<count).reversed()
        numbers += [UInt64](repeating: 0, count: Self.growth)
    }
}
