// swift-tools-version: 6.2
import PackageDescription

/// One settings list for every library target: warnings are errors and every unsafe use is spelt out.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A library module and the test target of its name; what it may import is design, §3.
func module(_ name: String, _ dependencies: [Target.Dependency], extra: [SwiftSetting] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict + extra)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.target(name: name), "TestSupport"] + dependencies, exclude: exclude,
        swiftSettings: [.treatAllWarnings(as: .error)])
}

let package = Package(
    name: "assay",
    products: [
        .executable(name: "assay", targets: ["assay"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        .systemLibrary(name: "CLibCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CLibArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .target(name: "CShims"),
        module("Bytes", [], extra: [.enableExperimentalFeature("Lifetimes")]),
        module("Documents", ["Bytes"]),
        module("YAMLDocuments", ["Documents", "Bytes", .product(name: "Yams", package: "Yams")]),
        module("Files", ["Bytes", "CShims"]),
        module("Hashing", ["Bytes", "CLibCrypto", "CShims"]),
        module("Trace", ["Bytes", "Documents", "Hashing"]),
        module("Signing", ["Bytes", "Documents", "Hashing", "Files", "CLibCrypto"]),
        module("Archives", ["Bytes", "Files", "CLibArchive"]),
        module("Transport", ["Bytes", "Documents", "Files", "Hashing"]),
        module("Verity", ["Bytes", "Hashing", "Trace", "Files"]),
        module("DiskFormats", ["Bytes", "Hashing", "Files"]),
        module("EventLogs", ["Bytes", "Hashing", "Trace"]),
        module("Firmware", ["Bytes", "Files", "Hashing", "DiskFormats", "Archives", "Trace"]),
        module("QEMUHost", ["Bytes", "Files"]),
        module("Packages", ["Bytes", "Documents", "Files", "Hashing", "Signing", "Archives", "Transport"]),
        module(
            "GuestImage",
            [
                "Bytes", "Documents", "Files", "Hashing", "Signing", "Trace", "Archives", "Transport", "Packages",
                "DiskFormats", "Verity",
            ]),
        module(
            "LaunchMeasurement",
            ["Bytes", "Documents", "Files", "Hashing", "Signing", "Trace", "DiskFormats", "Firmware", "EventLogs"]),
        module("Evidence", ["Bytes", "Documents", "Hashing", "Signing", "EventLogs", "Trace"]),
        module("ReferenceValues", ["Bytes", "Documents", "Files", "Hashing", "Signing", "Trace"]),
        module(
            "Explanation",
            [
                "Bytes", "Documents", "Files", "Hashing", "Trace", "DiskFormats", "EventLogs", "Firmware",
                "LaunchMeasurement", "Evidence",
            ]),
        module(
            "Release",
            [
                "Bytes", "Documents", "YAMLDocuments", "Files", "Hashing", "Trace", "Transport", "Packages",
                "GuestImage", "LaunchMeasurement", "ReferenceValues",
            ]),
        .target(
            name: "TestSupport", dependencies: ["Files", "Bytes", "Documents"],
            swiftSettings: [.treatAllWarnings(as: .error)]),
        .executableTarget(
            name: "assay",
            dependencies: [
                "Bytes", "Documents", "YAMLDocuments", "Files", "Hashing", "Trace", "Signing", "Archives", "Transport",
                "Verity", "DiskFormats", "EventLogs", "Evidence", "Firmware", "QEMUHost", "Packages", "GuestImage",
                "LaunchMeasurement", "ReferenceValues", "Explanation", "Release",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        tests(of: "Bytes"),
        tests(of: "Documents"),
        tests(of: "YAMLDocuments", ["Documents"]),
        tests(of: "Files", ["Bytes"]),
        tests(of: "Hashing", ["Bytes"]),
        tests(of: "Trace", ["Documents", "Hashing"]),
        tests(of: "Signing", ["Bytes", "Documents", "Hashing", "Files"]),
        tests(of: "Archives", ["Bytes", "Files"]),
        tests(of: "Transport", ["Bytes", "Documents", "Files", "Hashing"]),
        tests(of: "Verity", ["Bytes", "Documents", "Hashing", "Trace", "Files"]),
        tests(of: "DiskFormats", ["Archives", "Bytes", "Hashing", "Files"], exclude: ["Fixtures"]),
        tests(of: "EventLogs", ["Bytes", "Documents", "Hashing", "Trace"]),
        tests(of: "Firmware", ["Bytes", "Documents", "Hashing", "Files", "DiskFormats", "Archives", "Trace"]),
        tests(of: "QEMUHost", ["Bytes", "Files"]),
        tests(of: "Packages", ["Bytes", "Documents", "Files", "Hashing", "Archives", "Transport"]),
        tests(
            of: "GuestImage",
            [
                "Archives", "Bytes", "Documents", "YAMLDocuments", "Files", "Hashing", "DiskFormats", "Packages",
                "Transport", "Verity",
            ]),
        tests(
            of: "LaunchMeasurement",
            [
                "Bytes", "Documents", "YAMLDocuments", "Files", "Hashing", "Signing", "Trace", "Firmware", "EventLogs",
                "DiskFormats", "Archives",
            ]),
        tests(
            of: "Explanation",
            [
                "Bytes", "Documents", "EventLogs", "Evidence", "Hashing", "Files", "Firmware", "LaunchMeasurement",
                "Trace",
            ]),
        tests(
            of: "Evidence", ["Bytes", "Documents", "YAMLDocuments", "Files", "Hashing", "Signing"],
            exclude: ["Fixtures"]),
        tests(of: "ReferenceValues", ["Bytes", "Documents", "YAMLDocuments", "Files", "Hashing", "Signing", "Trace"]),
        tests(
            of: "Release",
            ["Bytes", "Documents", "Files", "Hashing", "LaunchMeasurement", "Packages", "ReferenceValues"]),
        .testTarget(
            name: "assayTests", dependencies: ["TestSupport", "Files", "Bytes", "Documents", "DiskFormats", "Hashing"],
            swiftSettings: [.treatAllWarnings(as: .error)]),
    ],
    swiftLanguageModes: [.v6]
)
