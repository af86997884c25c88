// A first-in, first-out queue in which any element is found and removed at once.

/// Elements in order of arrival, each key at most once: a doubly linked list in an array, indexed by a hash table.
/// Appending, taking from either place, looking up and removing by key cost O(1).
public struct LinkedHashQueue<Key: Hashable, Value> {
    private struct Node {
        var key: Key
        var value: Value
        var previous: Int
        var next: Int
    }

    private static var none: Int { -1 }
    private var nodes: [Node?] = []
    private var free: [Int] = []
    private var places: [Key: Int] = [:]
    private var head = none
    private var tail = none

    public init() {}

    public var count: Int { places.count }
    /// How many elements there is memory for: as many as there ever were at a time.
    var capacity: Int { nodes.count }
    public var isEmpty: Bool { places.isEmpty }
    public var first: (key: Key, value: Value)? { element(at: head) }

    /// The value of `key`; setting it keeps the key's place in the queue. A new key is appended.
    public subscript(key: Key) -> Value? {
        get { places[key].flatMap { nodes[$0]?.value } }
        set {
            guard let newValue else {
                remove(key)
                return
            }
            if let place = places[key] {
                nodes[place]?.value = newValue
            } else {
                append(key, newValue)
            }
        }
    }

    /// Puts `key` at the tail; if it was queued already it moves there.
    public mutating func append(_ key: Key, _ value: Value) {
        remove(key)
        let place = store(Node(key: key, value: value, previous: tail, next: Self.none))
        if tail == Self.none { head = place } else { nodes[tail]?.next = place }
        tail = place
    }

    /// Puts `key` at the head; if it was queued already it moves there.
    public mutating func prepend(_ key: Key, _ value: Value) {
        remove(key)
        let place = store(Node(key: key, value: value, previous: Self.none, next: head))
        if head == Self.none { tail = place } else { nodes[head]?.previous = place }
        head = place
    }

    /// Takes out the element at the head.
    @discardableResult
    public mutating func popFirst() -> (key: Key, value: Value)? {
        guard let first else { return nil }
        remove(first.key)
        return first
    }

    @discardableResult
    public mutating func remove(_ key: Key) -> Value? {
        guard let place = places.removeValue(forKey: key), let node = nodes[place] else { return nil }
        if node.previous == Self.none { head = node.next } else { nodes[node.previous]?.next = node.next }
        if node.next == Self.none { tail = node.previous } else { nodes[node.next]?.previous = node.previous }
        nodes[place] = nil
        free.append(place)
        return node.value
    }

    private func element(at place: Int) -> (key: Key, value: Value)? {
        place == Self.none ? nil : nodes[place].map { ($0.key, $0.value) }
    }

    private mutating func store(_ node: Node) -> Int {
        let place: Int
        if let reused = free.popLast() {
            place = reused
            nodes[place] = node
        } else {
            place = nodes.count
            nodes.append(node)
        }
        places[node.key] = place
        return place
    }
}

extension LinkedHashQueue: Sequence {
    /// From head to tail.
    public func makeIterator() -> AnyIterator<(key: Key, value: Value)> {
        var place = head
        return AnyIterator {
            guard place != Self.none, let node = nodes[place] else { return nil }
            place = node.next
            return (node.key, node.value)
        }
    }
}
