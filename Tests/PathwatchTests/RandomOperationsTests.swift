// What people do to a users' folder, at random and without pause: at every rest the reports agree with a model.

import Foundation
import Testing

@testable import Shared

@Suite struct RandomOperationsTests {
    /// What a user's folder holds.
    private enum Content: Equatable {
        case good(Plan, files: Int?)
        case faulty

        var text: String {
            switch self {
            case .good(let plan, let files): "plan: \(plan)\n" + (files.map { "limits: {files: \($0)}\n" } ?? "")
            case .faulty: "plan: gold\n"
            }
        }

        static func random(_ random: inout SplitMix64) -> Content {
            if Int.random(in: 0..<5, using: &random) == 0 { return .faulty }
            let plan = Bool.random(using: &random) ? Plan.paid : .free
            return .good(plan, files: Bool.random(using: &random) ? Int.random(in: 100..<200, using: &random) : nil)
        }
    }

    /// The folder and what is known to be in it.
    private final class World {
        let fixture: UsersFixture
        var random: SplitMix64
        private(set) var model: [String: Content] = [:]
        /// Folders without user.yaml.
        private var empty: Set<String> = []
        private var moves = 0
        private let names = (0..<12).map { "user-\($0)" }

        init(seed: UInt64) throws {
            fixture = try UsersFixture()
            random = SplitMix64(seed: seed)
        }

        private func folder(_ name: String) -> String { "\(fixture.users)/\(name)" }
        private func hasFolder(_ name: String) -> Bool { model[name] != nil || empty.contains(name) }

        func step() throws {
            let name = names[Int.random(in: 0..<names.count, using: &random)]
            let content = Content.random(&random)
            switch Int.random(in: 0..<20, using: &random) {
            case 0...5: try write(name, content)
            case 6...9: try replace(name, content)
            case 10, 11: try rename(name)
            case 12, 13: try remove(name)
            case 14, 15:
                try remove(name)
                try write(name, content)
            case 16:
                if model.removeValue(forKey: name) != nil {
                    unlink(fixture.file(name))
                    empty.insert(name)
                }
            case 17: try swap(name)
            case 18: try fixture.write("x", to: "\(fixture.users)/notes.txt")
            default: if Int.random(in: 0..<5, using: &random) == 0 { try replaceAll() }
            }
        }

        func write(_ name: String, _ content: Content) throws {
            try fixture.add(name, content.text)
            set(name, content)
        }

        private func replace(_ name: String, _ content: Content) throws {
            guard hasFolder(name) else { return }
            try fixture.replace(content.text, at: fixture.file(name))
            set(name, content)
        }

        private func remove(_ name: String) throws {
            guard hasFolder(name) else { return }
            try fixture.remove(folder(name))
            set(name, nil)
        }

        private func rename(_ name: String) throws {
            let target = names[Int.random(in: 0..<names.count, using: &random)]
            guard hasFolder(name), !hasFolder(target) else { return }
            try fixture.move(folder(name), folder(target))
            if let content = model[name] { set(target, content) } else { empty.insert(target) }
            set(name, nil)
        }

        /// Another folder in its place, prepared elsewhere.
        private func swap(_ name: String) throws {
            guard hasFolder(name) else { return }
            moves += 1
            let content = Content.random(&random)
            let (new, old) = ("\(fixture.root)/new-\(moves)", "\(fixture.root)/old-\(moves)")
            mkdir(new, 0o755)
            try fixture.write(content.text, to: new + "/user.yaml")
            try fixture.move(folder(name), old)
            try fixture.move(new, folder(name))
            set(name, content)
        }

        /// The whole users' folder replaced by a copy with one user more and one less.
        private func replaceAll() throws {
            moves += 1
            let (new, old) = ("\(fixture.root)/all-\(moves)", "\(fixture.root)/old-all-\(moves)")
            try FileManager.default.copyItem(atPath: fixture.users, toPath: new)
            try fixture.move(fixture.users, old)
            try fixture.move(new, fixture.users)
            // Never empty: that would be taken for an unmounted one.
            try write(names[0], .good(.paid, files: 100 + moves))
            try remove(names[1])
        }

        private func set(_ name: String, _ content: Content?) {
            model[name] = content
            empty.remove(name)
        }

        /// Whether the reports so far agree with the folder.
        func agrees(_ process: PathwatchProcess) -> Bool {
            let known = Set(process.users.keys.map(\.text)).union(process.faults.keys.map(\.text))
            return known == Set(model.keys)
                && model.allSatisfy { name, content in
                    let name = fixture.name(name)
                    switch content {
                    case .faulty: return process.faults[name] != nil
                    case .good(let plan, let files):
                        let user = process.users[name]
                        return process.faults[name] == nil && user?.plan == plan && user?.limits.files == files
                    }
                }
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func theReportsAgreeAtEveryRest(seed: UInt64) async throws {
        let world = try World(seed: seed)
        try world.write("user-0", .good(.paid, files: nil))
        let process = try PathwatchProcess()
        try process.send(world.fixture.users)
        for round in 0..<30 {
            for _ in 0..<Int.random(in: 1..<30, using: &world.random) { try world.step() }
            try await process.wait("agreement in round \(round) of seed \(seed)") {
                process.snapshots == 1 && world.agrees(process)
            }
        }
        #expect(process.snapshots == 1)
    }

    /// The kernel's queue runs over while pathwatch does not read it.
    @Test func lostEventsLoseNoChange() async throws {
        let world = try World(seed: 99)
        for index in 0..<10 { try world.write("user-\(index)", .good(.free, files: nil)) }
        let process = try PathwatchProcess()
        try process.send(world.fixture.users)
        try await process.wait("the snapshot") { process.snapshots == 1 }
        kill(process.pid, SIGSTOP)
        let limit = try String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8)
        let most = try #require(Int(limit.filter(\.isNumber)))
        // Two files in turn, or the kernel would merge the events.
        for index in 0..<most + 100 {
            try world.fixture.write("", to: world.fixture.users + "/user-\(index % 2)/noise")
        }
        for _ in 0..<50 { try world.step() }
        kill(process.pid, SIGCONT)
        try await process.wait("agreement") { world.agrees(process) }
        for _ in 0..<50 { try world.step() }
        try await process.wait("agreement afterwards") { world.agrees(process) }
    }
}
