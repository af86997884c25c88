// What a test takes from a process that runs: descriptors.

import Foundation
import Glibc
import TestSupport

enum Limits {
    /// Leaves a process no free descriptor: the kernel gives out the lowest number that is free.
    ///
    /// - Returns: gives the descriptors back.
    static func takeDescriptors(from pid: pid_t) async throws -> () async throws -> Void {
        let before = try await openFiles(pid)
        // What is open for a moment only would be free afterwards: the lowest of many looks counts.
        var lowest = try lowestFree(pid)
        for _ in 1...40 {
            try await Task.sleep(for: .milliseconds(15))
            lowest = min(lowest, try lowestFree(pid))
        }
        try await set(pid, "--nofile=\(lowest):")
        return { try await set(pid, "--nofile=\(before):") }
    }

    private static func lowestFree(_ pid: pid_t) throws -> Int {
        let used = Set(try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").compactMap { Int($0) })
        return (0...used.count).first { !used.contains($0) } ?? used.count
    }

    /// - Parameter account: the number of the process's own, where it is another than the test's.
    static func set(_ pid: pid_t, _ limit: String, as account: String? = nil) async throws {
        let command = ["/usr/bin/prlimit", "--pid", "\(pid)", limit]
        let change = account.map { ["/usr/bin/setpriv", "--reuid=\($0)", "--regid=\($0)", "--clear-groups"] } ?? []
        let words = change + command
        let result = try await CommandResult.of(words[0], Array(words.dropFirst()))
        guard result.status == 0 else { throw TreeError(result.errors) }
    }

    private static func openFiles(_ pid: pid_t) async throws -> String {
        let query = ["--pid", "\(pid)", "--nofile", "--output=SOFT", "--noheadings", "--raw"]
        let result = try await CommandResult.of("/usr/bin/prlimit", query)
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Processor time of a process, in seconds.
    static func processorTime(_ pid: pid_t) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        // The second field is a name in parentheses.
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        return fields[11...12].compactMap { Double($0) }.reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
