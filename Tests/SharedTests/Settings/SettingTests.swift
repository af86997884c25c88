// The small parts of reading settings.

import Testing

@testable import Shared
@testable import SharedSystem

@Suite struct SettingTests {
    @Test(
        arguments: [
            ("0s", 0), ("500ms", 500), ("10s", 10_000), ("1.5s", 1500), ("2m", 120_000), ("1h", 3_600_000),
            ("0.25m", 15_000), ("8760h", 31_536_000_000),
        ] as [(String, Int64)])
    func durations(_ text: String, _ milliseconds: Int64) {
        #expect(Duration(setting: text) == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        "", "s", "10", "10 s", "1e3s", "-1s", "+1s", ".5s", "1.s", "1.5.0s", "10S", "1d", "8761h", "99999999999s",
        "9999999999h", "1s ", "٣s",
    ])
    func noDurations(_ text: String) {
        #expect(Duration(setting: text) == nil)
    }

    @Test(
        arguments: [
            ("0", 0), ("4096", 4096), ("1K", 1024), ("512M", 512 << 20), ("999999G", 999_999 << 30),
            ("999999999999", 999_999_999_999),
        ] as [(String, Int)])
    func sizes(_ text: String, _ bytes: Int) {
        #expect(ByteSize.bytes(text) == bytes)
    }

    @Test(arguments: [
        "", "M", "512m", "512MB", "512MiB", "1.5G", "-1", "+1", "1 M", " 1M", "1000000K", "9999999999999", "٣M", "0x10",
    ])
    func noSizes(_ text: String) {
        #expect(ByteSize.bytes(text) == nil)
    }

    @Test(arguments: [(0, "0 MiB"), (1, "1 MiB"), (512 << 20, "512 MiB"), (512 << 20 + 1, "513 MiB")])
    func sizesAreTold(_ bytes: Int, _ text: String) {
        #expect(ByteSize.mebibytes(bytes) == text)
    }

    @Test(arguments: [(0, "0s"), (1, "1ms"), (1500, "1500ms"), (60_000, "1m"), (90_000, "90s"), (7_200_000, "2h")])
    func durationsAreWritten(_ milliseconds: Int, _ text: String) {
        #expect(Duration.milliseconds(milliseconds).setting == text)
    }

    @Test(arguments: [
        ("a", "/x", "/x/a"), ("./a/", "/x", "/x/a"), ("../a", "/x/y", "/x/a"), ("../../..", "/x", "/"),
        ("/a//b/./c/..", "/x", "/a/b"), ("/", "/x", "/"),
    ])
    func paths(_ path: String, _ folder: String, _ expected: String) {
        #expect(FilePath.absolute(path, from: folder) == expected)
    }

    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "ab", 2), ("check", "chek", 1), ("check", "chekc", 1), ("abc", "xyz", 3),
        ("state", "packages", 6),
    ])
    func distances(_ left: String, _ right: String, _ distance: Int) {
        #expect(Spelling.distance(left, right) == distance)
        #expect(Spelling.distance(right, left) == distance)
    }

    @Test func theNearestOfNoneIsNone() {
        #expect(Spelling.nearest(to: "a", among: []) == nil)
        #expect(Spelling.nearest(to: "wroker", among: ["users", "worker", "work"]) == "worker")
    }
}
