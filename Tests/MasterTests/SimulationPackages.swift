// The packages' folder of the simulated world: versions come, go and are changed, and the link is turned over.

import Shared

@testable import master

extension Simulation {
    static let versions = ["1", "2", "3"]

    func changePackages() {
        let version = Self.versions[roll(3)]
        switch roll(6) {
        case 0: vanish(version)
        case 1, 2: publish(version, identity: UInt64(1 + roll(2)))
        default: setCurrent(version)
        }
    }

    /// There is a version with which everybody can be started.
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
        if identity == 2 { manifest.command = ["python3", "other.py"] }
        say(.pathwatch, .path(.package(manifest)))
    }

    // MARK: rules

    /// A worker is started on a version that may be started, and a user stays on one that was changed.
    func isRight(_ plan: WorkerPlan, _ name: UserName) -> Bool {
        guard supervisor.configuration.packages != nil else { return plan.version == nil }
        guard let version = plan.version, version == supervisor.users[name]?.version else { return false }
        return switch supervisor.packages.objection(to: version) {
        case nil, .changed: true
        case .gone, .unknown, .faulty: false
        }
    }
}
