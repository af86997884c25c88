// LinkedHashQueue against a model: a plain array of pairs.

import Testing

@testable import Shared

@Suite struct LinkedHashQueueTests {
    /// What the queue is meant to be, each operation written in the plainest way.
    private struct Model {
        var elements: [(key: Int, value: Int)] = []

        mutating func remove(_ key: Int) -> Int? {
            guard let index = elements.firstIndex(where: { $0.key == key }) else { return nil }
            return elements.remove(at: index).value
        }

        mutating func append(_ key: Int, _ value: Int) {
            _ = remove(key)
            elements.append((key, value))
        }

        mutating func prepend(_ key: Int, _ value: Int) {
            _ = remove(key)
            elements.insert((key, value), at: 0)
        }

        mutating func set(_ key: Int, _ value: Int) {
            if let index = elements.firstIndex(where: { $0.key == key }) {
                elements[index].value = value
            } else {
                elements.append((key, value))
            }
        }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func behavesAsItsModel(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var queue = LinkedHashQueue<Int, Int>()
        var model = Model()
        for value in 0..<2000 {
            let key = Int.random(in: 0..<40, using: &random)
            switch Int.random(in: 0..<7, using: &random) {
            case 0, 1:
                queue.append(key, value)
                model.append(key, value)
            case 2:
                queue.prepend(key, value)
                model.prepend(key, value)
            case 3:
                queue[key] = value
                model.set(key, value)
            case 4:
                #expect(queue.remove(key) == model.remove(key))
            case 5:
                queue[key] = nil
                _ = model.remove(key)
            default:
                let first = model.elements.isEmpty ? nil : model.elements.removeFirst()
                let popped = queue.popFirst()
                #expect(popped?.key == first?.key)
                #expect(popped?.value == first?.value)
            }
            #expect(queue.count == model.elements.count)
            #expect(queue.first?.key == model.elements.first?.key)
            #expect(queue[key] == model.elements.first { $0.key == key }?.value)
            #expect(queue.elementsEqual(model.elements, by: ==))
        }
    }

    @Test func anEmptyQueueAnswersNothing() {
        var queue = LinkedHashQueue<String, Int>()
        #expect(queue.isEmpty)
        #expect(queue.popFirst() == nil)
        #expect(queue.remove("a") == nil)
        queue["a"] = nil
        #expect(queue.count == 0)
    }

    @Test func aPlaceIsUsedAgain() {
        var queue = LinkedHashQueue<Int, Int>()
        queue.append(-1, 0)
        for key in 0..<10_000 {
            queue.append(key, key)
            if key % 2 == 0 { queue.remove(key) } else { queue.prepend(key, key) }
            if key % 2 == 1 { queue.popFirst() }
        }
        #expect(queue.map(\.key) == [-1])
        #expect(queue.capacity == 2)
    }

    @Test func aCopyIsIndependent() {
        var queue = LinkedHashQueue<Int, Int>()
        queue.append(1, 1)
        var copy = queue
        copy.append(2, 2)
        copy.remove(1)
        #expect(queue.map(\.key) == [1])
        #expect(copy.map(\.key) == [2])
    }
}
