// The packages' folder of the simulated world: versions come, go and are changed, and the link is turned over.

import Shared

@testable import Policy

extension Simulation {
    static let versions = ["1", "2", "3"]

    /// What becomes of a worker that is not ended.
    enum Quality {
        case works
        case dies
        case hangs
        /// Dies three seconds after it has become ready.
        case fades
        /// Fails its checks.
        case fails
    }

    func quality(_ plan: WorkerPlan) -> Quality {
        switch plan.env["SETTINGS"] ?? plan.env["QUALITY"] {
        case "dies": .dies
        case "hangs": .hangs
        default: quality(plan.version)
        }
    }

    /// The first version works; the others do or do not, by the seed.
    func quality(_ version: String?) -> Quality {
        guard let version, let number = UInt64(version), number > 1 else { return .works }
        return [.works, .works, .dies, .fades, .fails, .hangs][Int((seed / 5 + number) % 6)]
    }

    func steerUpgrade() {
        let action = [UpgradeRequest.Action.start, .start, .pause, .resume, .abort][roll(5)]
        let request = UpgradeRequest(action, version: Self.versions[roll(3)])
        guard supervisor.objection(to: request) == nil else { return }
        switch request.action {
        case .preview: break
        case .start: send(.upgrade(.start(request.version ?? "")))
        case .pause: send(.upgrade(.pause))
        case .resume: send(.upgrade(.resume))
        case .abort: send(.upgrade(.abort))
        }
    }

    func keep(_ kept: KeptUpgrade) {
        upgrade = (try? UpgradeFile.bytes(kept, WallClock(wall: 0, now: Instant(nanoseconds: 0)))) ?? []
    }

    func keptUpgrade() -> Upgrade {
        (try? UpgradeFile.upgrade(upgrade, WallClock(wall: 0, now: Instant(nanoseconds: 0)))) ?? Upgrade()
    }

    func changePackages() {
        let version = Self.versions[roll(3)]
        switch roll(6) {
        case 0: vanish(version)
        case 1, 2: publish(version, identity: UInt64(1 + roll(2)))
        default: setCurrent(version)
        }
    }

    /// There is a version with which all users can be started.
    func mendPackages() {
        publish("good", identity: 1)
        setCurrent("good")
    }

    /// What a new pathwatch tells.
    func sayPackages() {
        guard supervisor.configuration.packages != nil else { return }
        for (version, identity) in published.sorted(by: { $0.key < $1.key }) { sayPackage(version, identity) }
        say(.pathwatch, .path(.currentPackage(CurrentPackage(version: currentVersion))))
    }

    private func publish(_ version: String, identity: UInt64) {
        published[version] = identity
        sayPackage(version, identity)
    }

    private func vanish(_ version: String) {
        guard published.removeValue(forKey: version) != nil else { return }
        say(.pathwatch, .path(.packageGone(TextLine(version))))
    }

    private func setCurrent(_ version: String) {
        currentVersion = version
        say(.pathwatch, .path(.currentPackage(CurrentPackage(version: version))))
    }

    private func sayPackage(_ version: String, _ identity: UInt64) {
        var manifest = PackageManifest()
        manifest.version = version
        manifest.folder = "/srv/packages/\(version)"
        manifest.identity = identity
        if identity == 2 { (manifest.command, manifest.check.path) = (["python3", "other.py"], "/other") }
        say(.pathwatch, .path(.package(manifest)))
    }

    // MARK: rules

    /// A worker is started on a version that may be started, and a user stays on one that was changed.
    func isRight(_ plan: WorkerPlan, _ name: UserName) -> Bool {
        guard supervisor.configuration.packages != nil else { return plan.version == nil }
        guard let version = plan.version, version == supervisor.users[name]?.version else { return false }
        return switch supervisor.versions.objection(to: version) {
        case nil, .changed: true
        case .gone, .unknown, .faulty: false
        }
    }
}
