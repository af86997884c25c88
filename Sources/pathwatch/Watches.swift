// Which watch number belongs to the folders of which names. No I/O.

/// Usually one to one; but a folder that was renamed is watched under both names until the old one has been looked at,
/// and symbolic links may lead to one folder from several names.
struct Watches<Name: Hashable> {
    private var numbers: [Name: Int32] = [:]
    private var owners: [Int32: [Name]] = [:]

    var names: [Name] { Array(numbers.keys) }

    /// The names whose folder has this number.
    subscript(number: Int32) -> [Name] { owners[number] ?? [] }

    /// Sets the number of a folder, or nil for none.
    ///
    /// - Returns: a number that belongs to no name any longer.
    mutating func set(_ name: Name, to number: Int32?) -> Int32? {
        let before = numbers[name]
        guard before != number else { return nil }
        numbers[name] = number
        if let number { owners[number, default: []].append(name) }
        guard let before else { return nil }
        owners[before]?.removeAll { $0 == name }
        guard owners[before]?.isEmpty != false else { return nil }
        owners[before] = nil
        return before
    }

    /// Forgets a number that the kernel has dropped, and answers whose it was.
    mutating func forget(_ number: Int32) -> [Name] {
        let names = owners.removeValue(forKey: number) ?? []
        for name in names { numbers[name] = nil }
        return names
    }
}
