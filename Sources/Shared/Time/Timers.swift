// Deadlines by key: state, not callbacks.

import HeapModule

/// A set of deadlines, at most one for each key. Setting and cancelling cost O(log n).
public struct Timers<Key: Hashable & Sendable>: Sendable {
    private struct Entry: Comparable, Sendable {
        let at: Instant
        let serial: UInt64
        let key: Key
        static func < (left: Entry, right: Entry) -> Bool { (left.at, left.serial) < (right.at, right.serial) }
        static func == (left: Entry, right: Entry) -> Bool { left.serial == right.serial }
    }

    private var heap = Heap<Entry>()
    private var current: [Key: UInt64] = [:]
    private var serial: UInt64 = 0

    public init() {}

    /// Sets the deadline of `key`, in place of an earlier one.
    public mutating func set(_ key: Key, at instant: Instant) {
        serial += 1
        current[key] = serial
        heap.insert(Entry(at: instant, serial: serial, key: key))
        // Replaced entries stay in the heap until they surface; past twice the live ones they are dropped at once.
        if heap.count > 64 && heap.count > 2 * current.count {
            heap = Heap(heap.unordered.filter { current[$0.key] == $0.serial })
        }
    }

    public func isSet(_ key: Key) -> Bool { current[key] != nil }

    public mutating func cancel(_ key: Key) {
        current[key] = nil
    }

    /// The earliest deadline.
    public var next: Instant? {
        mutating get {
            dropReplaced()
            return heap.min?.at
        }
    }

    /// Takes out one key whose deadline has come, the earliest first.
    public mutating func popDue(_ now: Instant) -> Key? {
        dropReplaced()
        guard let first = heap.min, first.at <= now else { return nil }
        heap.removeMin()
        current[first.key] = nil
        return first.key
    }

    private mutating func dropReplaced() {
        while let first = heap.min, current[first.key] != first.serial { heap.removeMin() }
    }
}
