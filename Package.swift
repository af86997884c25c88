// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let httpParser: [Target.Dependency] = [
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOEmbedded", package: "swift-nio"),
    .product(name: "NIOCore", package: "swift-nio"),
]

let package = Package(
    name: "Steward",
    products: [
        .executable(name: "master", targets: ["master"]),
        .executable(name: "keeper", targets: ["keeper"]),
        .executable(name: "pathwatch", targets: ["pathwatch"]),
        .executable(name: "dbwatch", targets: ["dbwatch"]),
        // A target named dispatch would get the entry symbol dispatch_main, which is libdispatch's.
        .executable(name: "dispatch", targets: ["dispatcher"]),
        .executable(name: "steward", targets: ["steward"]),
        .executable(name: "launch", targets: ["launch"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .target(name: "CLinux"),
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        // Yams would do, but it brings all of Foundation into every process: 8 MiB each.
        .systemLibrary(name: "CLibyaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        // Values only: no descriptor, no clock. What touches the system is SharedSystem.
        .target(
            name: "Shared",
            dependencies: ["CLibyaml", .product(name: "HeapModule", package: "swift-collections")],
            exclude: ["System"], swiftSettings: settings),
        .target(
            name: "SharedSystem",
            dependencies: [
                "Shared", "CLinux", .product(name: "Logging", package: "swift-log"),
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            path: "Sources/Shared/System", swiftSettings: settings),
        // Every decision of master; the edges around it are the executable.
        .target(name: "Policy", dependencies: ["Shared"], path: "Sources/master/Policy", swiftSettings: settings),
        .executableTarget(
            name: "master",
            dependencies: [
                "Policy", "Shared", "SharedSystem", "CLinux", arguments,
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Policy"], swiftSettings: settings),
        .executableTarget(
            name: "keeper",
            dependencies: [
                "Shared", "SharedSystem", "CLinux", arguments,
                .product(name: "DequeModule", package: "swift-collections"),
            ]
                + httpParser,
            swiftSettings: settings),
        .executableTarget(
            name: "pathwatch", dependencies: ["Shared", "SharedSystem", arguments], swiftSettings: settings),
        .executableTarget(
            name: "dbwatch", dependencies: ["Shared", "SharedSystem", "CLibpq", arguments], swiftSettings: settings),
        .executableTarget(
            name: "dispatcher", dependencies: ["Shared", "SharedSystem", arguments] + httpParser,
            path: "Sources/dispatch",
            swiftSettings: settings),
        .executableTarget(
            name: "steward", dependencies: ["Shared", "SharedSystem", arguments], swiftSettings: settings),
        .executableTarget(name: "launch", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
        .target(
            name: "TestSupport",
            dependencies: ["Shared", "SharedSystem", "CLinux"] + httpParser + [
                .product(name: "NIOPosix", package: "swift-nio")
            ],
            path: "Tests/TestSupport", swiftSettings: settings),
        .target(
            name: "FuzzSubjects", dependencies: ["Shared", "SharedSystem"], path: "Tests/FuzzSubjects",
            swiftSettings: settings),
        .testTarget(
            name: "SharedTests", dependencies: ["Shared", "SharedSystem", "CLinux", "FuzzSubjects"],
            swiftSettings: settings),
        .testTarget(name: "PolicyTests", dependencies: ["Policy", "Shared"], swiftSettings: settings),
        .testTarget(
            name: "MasterTests", dependencies: ["master", "Policy", "Shared", "SharedSystem"], swiftSettings: settings),
        .testTarget(
            name: "KeeperTests", dependencies: ["keeper", "Shared", "SharedSystem", "CLinux", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "PathwatchTests", dependencies: ["pathwatch", "Shared", "SharedSystem"], swiftSettings: settings),
        .testTarget(
            name: "DBWatchTests", dependencies: ["dbwatch", "Shared", "SharedSystem", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "DispatchTests", dependencies: ["dispatcher", "Shared", "SharedSystem", "CLinux", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "StewardTests", dependencies: ["steward", "Shared", "SharedSystem", "TestSupport"],
            exclude: ["Golden"], swiftSettings: settings),
        .testTarget(
            name: "LaunchTests",
            dependencies: ["master", "launch", "Policy", "Shared", "SharedSystem", "CLinux", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Policy", "Shared", "SharedSystem", "CLinux", "TestSupport", "master", "keeper", "pathwatch", "dbwatch",
                "dispatcher", "steward",
                "launch",
            ],
            swiftSettings: settings),
    ]
)

// It can only be linked with libFuzzer: `make fuzz`.
if Context.environment["STEWARD_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["FuzzSubjects"], path: "Tests/Fuzz", exclude: ["user.yaml", "steward.yaml"],
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]))
}

// Outside of the tests' build: `STEWARD_BENCH=1 swift run -c release step`.
if Context.environment["STEWARD_BENCH"] != nil {
    package.targets.append(
        .executableTarget(
            name: "step", dependencies: ["Policy", "Shared", "SharedSystem"], path: "Benchmarks/step",
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]))
}
