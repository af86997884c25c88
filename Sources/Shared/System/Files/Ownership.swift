// Which accounts may write the files that decide what runs, and under which account.
//
// Where Steward is root, the writer of a user.yaml, a `start` or a package decides what an account executes. So
// pathwatch refuses a user.yaml or an executable `start` that is owned by, or may be written by, any account except
// root and the account of that user's workers. Where Steward is not root, everything runs under Steward's own account,
// and nothing can be gained.

import Glibc
import Shared

public final class Ownership {
    /// The account of the workers whose user.yaml names none.
    private let runAs: String?
    /// Of accounts that exist. One that does not may be made at any time.
    private var numbers: [String: uid_t] = [:]

    public init(runAs: String?) {
        self.runAs = runAs
    }

    /// Why a file must not be believed; nil where it may be.
    ///
    /// - Parameters:
    ///   - status: of the file or folder.
    ///   - runAs: the account that its user.yaml names.
    public func objection(to status: stat, runAs: String? = nil) -> String? {
        guard geteuid() == 0 else { return nil }
        let account = runAs ?? self.runAs
        let writers = account.map { "root and \($0)" } ?? "root"
        let mode = status.st_mode & 0o777
        guard mode & 0o022 == 0 else {
            let (found, expected) = (String(mode, radix: 8), String(mode & ~0o022, radix: 8))
            return "may be written by others than \(writers): its mode is 0\(found), expected 0\(expected)"
        }
        guard status.st_uid == 0 || account.flatMap(number) == status.st_uid else {
            return "may be written by others than \(writers): its owner is uid \(status.st_uid)"
        }
        return nil
    }

    /// Whether workers of this account would be root's.
    public func isRoot(_ account: String) -> Bool {
        account == "root" || geteuid() == 0 && number(account) == 0
    }

    private func number(_ account: String) -> uid_t? {
        if let known = numbers[account] { return known }
        guard let entry = getpwnam(account) else { return nil }
        numbers[account] = entry.pointee.pw_uid
        return entry.pointee.pw_uid
    }
}
