// Which watch number belongs to which users' folders. No I/O.

import Shared

/// Usually one to one; but a folder that was renamed is watched under both names until the old one has been looked at,
/// and symbolic links may lead to one folder from several names.
struct Watches {
    private var numbers: [UserName: Int32] = [:]
    private var users: [Int32: [UserName]] = [:]

    var names: [UserName] { Array(numbers.keys) }

    /// Whose folder has this number.
    subscript(number: Int32) -> [UserName] { users[number] ?? [] }

    /// Sets the number of a user's folder, or nil for none.
    ///
    /// - Returns: a number that is nobody's any longer.
    mutating func set(_ user: UserName, to number: Int32?) -> Int32? {
        let before = numbers[user]
        guard before != number else { return nil }
        numbers[user] = number
        if let number { users[number, default: []].append(user) }
        guard let before else { return nil }
        users[before]?.removeAll { $0 == user }
        guard users[before]?.isEmpty != false else { return nil }
        users[before] = nil
        return before
    }

    /// Forgets a number that the kernel has dropped, and answers whose it was.
    mutating func forget(_ number: Int32) -> [UserName] {
        let names = users.removeValue(forKey: number) ?? []
        for name in names { numbers[name] = nil }
        return names
    }
}
