// What two builds of master make of the same events: STEWARD_DIGESTS=FILE writes it down, for diff(1).

import Glibc
import Shared
import Testing

@testable import Policy

@Suite struct SimulationDigestTests {
    static let file = getenv("STEWARD_DIGESTS").map { String(cString: $0) }
    static let seed = getenv("STEWARD_SEED").flatMap { UInt64(String(cString: $0)) }

    /// A line for each seed, or all that happened with the one of STEWARD_SEED.
    @Test(.enabled(if: file != nil, "asked for by STEWARD_DIGESTS=FILE"))
    func theDigestsAreWrittenDown() async throws {
        let path = try #require(Self.file)
        let lines: [String]
        if let seed = Self.seed {
            lines = Self.digest(seed, keepsLines: true).lines ?? []
        } else {
            lines = await Self.digests(SimulationTests.seeds)
        }
        let file = try #require(fopen(path, "w"))
        for line in lines { fputs(line + "\n", file) }
        #expect(fclose(file) == 0)
    }

    private static func digest(_ seed: UInt64, keepsLines: Bool) -> SimulationDigest {
        let simulation = Simulation(seed: seed, digest: SimulationDigest(keepsLines: keepsLines))
        simulation.play()
        return simulation.digest ?? SimulationDigest(keepsLines: false)
    }

    /// As many at a time as there are processors.
    private static func digests(_ seeds: Range<UInt64>) async -> [String] {
        let lanes = UInt64(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        return await withTaskGroup(of: [(seed: UInt64, hash: UInt64)].self) { group in
            for lane in 0..<lanes {
                group.addTask {
                    stride(from: seeds.lowerBound + lane, to: seeds.upperBound, by: Int(lanes))
                        .map { ($0, digest($0, keepsLines: false).hash.value) }
                }
            }
            return await group.reduce([], +).sorted { $0.seed < $1.seed }
                .map { "\($0.seed) \(String($0.hash, radix: 16))" }
        }
    }
}
