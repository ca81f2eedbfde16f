import Bytes
import Documents
import Files
import TestSupport
import Testing

/// The package's folder, from this file's place in it.
let packageFolder = FileSystem.parent(of: FileSystem.parent(of: FileSystem.parent(of: #filePath)))

@Suite("modules")
struct ModuleTableTests {
    /// What a module may import by design, with what those may import.
    static let mayImport: [String: Set<String>] = [
        "CShims": [], "Bytes": [],
        "Documents": ["Bytes"],
        "YAMLDocuments": ["Documents", "Yams"],
        "Files": ["Bytes", "CShims"],
        "Hashing": ["Bytes", "CLibCrypto", "CShims"],
        "Trace": ["Bytes", "Documents", "Hashing"],
        "Signing": ["Bytes", "Documents", "Hashing", "Files", "CLibCrypto"],
        "Archives": ["Bytes", "Files", "CLibArchive"],
        "Transport": ["Bytes", "Documents", "Files", "Hashing"],
        "Verity": ["Bytes", "Hashing", "Trace", "Files"],
        "DiskFormats": ["Bytes", "Hashing", "Files"],
        "EventLogs": ["Bytes", "Hashing", "Trace"],
        "Firmware": ["Hashing", "DiskFormats", "Archives", "Trace"],
        "QEMUHost": ["Bytes", "Files"],
        "Packages": ["Documents", "Files", "Hashing", "Signing", "Archives", "Transport"],
        "GuestImage": ["DiskFormats", "Verity", "Packages", "Trace"],
        // Signing beside the design's table: ID blocks are signed, and their key can be derived from them.
        "LaunchMeasurement": ["Documents", "Signing", "Trace", "Firmware", "EventLogs"],
        "Evidence": ["Documents", "Signing", "EventLogs", "Trace"],
        "ReferenceValues": ["Bytes", "Documents", "Hashing", "Signing", "Trace"],
        "Explanation": ["Firmware", "DiskFormats", "LaunchMeasurement", "Evidence", "ReferenceValues"],
        "Release": ["GuestImage", "LaunchMeasurement", "ReferenceValues", "Transport", "YAMLDocuments"],
        "TestSupport": ["Files", "Bytes", "Documents"],
    ]

    /// The closure of the table: a module may use what its imports may use, but no system library behind them.
    static func allowed(_ module: String) -> Set<String> {
        var result: Set<String> = []
        var waiting = Array(mayImport[module] ?? [])
        let own = mayImport[module] ?? []
        while let next = waiting.popLast() {
            guard result.insert(next).inserted else { continue }
            waiting += mayImport[next] ?? []
        }
        let hidden: Set<String> = ["CLibCrypto", "CLibArchive", "CShims", "Yams"]
        return result.filter { own.contains($0) || !hidden.contains($0) }
    }

    @Test("depend on what the design lets them, and on nothing else")
    func declared() throws {
        let scratch = try TemporaryFolder()
        let result = try Subprocess(
            "swift", ["package", "--scratch-path", scratch.path, "--package-path", packageFolder, "dump-package"]
        ).run()
        try #require(result.status == 0, "\(result.errorText)")
        let package = try JSONReader.parse(result.output, source: "dump-package", mode: .foreign).value
        guard case .array(let targets) = package["targets"] else { throw TestFailure("no targets") }
        var seen = 0
        for target in targets.map(\.value) {
            guard case .string(let name) = target["name"], case .string(let type) = target["type"],
                type == "regular", name != "assay"
            else { continue }
            seen += 1
            try #require(Self.mayImport[name] != nil, "\(name) is not in the design's table")
            let names = dependencies(of: target)
            #expect(names.subtracting(Self.allowed(name)).isEmpty, "\(name) depends on more than it may")
        }
        #expect(seen > 10)
    }

    private func dependencies(of target: Value) -> Set<String> {
        guard case .array(let list) = target["dependencies"] else { return [] }
        return Set(
            list.compactMap { node in
                for kind in ["byName", "target", "product"] {
                    if case .array(let parts) = node.value[kind], case .string(let name)? = parts.first?.value {
                        return name
                    }
                }
                return nil
            })
    }

    @Test("import in their sources only what they may")
    func imported() throws {
        let system: Set<String> = ["Glibc", "Dispatch", "Synchronization"]
        for (module, _) in Self.mayImport where module != "CShims" {
            let folder = packageFolder + "/Sources/" + module
            guard FileSystem.exists(folder) else { continue }
            for file in try FileSystem.filesBelow(folder) where file.hasSuffix(".swift") {
                let text = String(decoding: try InputFile.contents(of: folder + "/" + file), as: UTF8.self)
                for line in text.split(separator: "\n") {
                    let words = line.split(separator: " ")
                    guard let position = words.firstIndex(of: "import"), position <= 1, position + 1 < words.count,
                        position == 0 || ["public", "private", "internal", "package"].contains(words[0])
                    else { continue }
                    let name = String(words[position + 1])
                    #expect(
                        Self.allowed(module).contains(name) || system.contains(name),
                        "\(module)/\(file) imports \(name)")
                }
            }
        }
    }
}
