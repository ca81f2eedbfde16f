import Bytes
import Documents
import Files
import Firmware
import Hashing
import TestSupport
import Testing

/// Tables of real QEMUs with the digests that firmware measured or that others published.
private struct KnownTables {
    static let folder = Outside.vectors ?? ""

    static func document(_ path: String) throws -> Value {
        try JSONReader.parse(InputFile.contents(of: folder + "/" + path), source: path, mode: .foreign).value
    }

    static func tables(_ path: String) throws -> ACPITables {
        try ACPITables(InputFile.contents(of: folder + "/" + path), source: path)
    }

    static func list(_ value: Value?) -> [Value] {
        if case .array(let nodes)? = value { nodes.map(\.value) } else { [] }
    }

    static func text(_ value: Value?) -> String { if case .string(let text)? = value { text } else { "" } }
    static func number(_ value: Value?) -> Int { if case .integer(let number)? = value { Int(number) } else { -1 } }

    /// Tables of given signatures and lengths, with QEMU's OEM id.
    static func tables(layout: Value?) -> ACPITables {
        ACPITables(
            tables: list(layout).map { entry in
                let fields = list(entry)
                let signature = text(fields.first)
                var bytes = [UInt8](repeating: 0, count: number(fields.last))
                bytes.replaceSubrange(0..<4, with: Array(signature.utf8))
                bytes.replaceSubrange(10..<16, with: Array("BOCHS ".utf8))
                return ACPITable(signature: signature, bytes: bytes)
            })
    }

    static func expect(_ tables: ACPITables, _ expected: Value?, _ name: String) throws {
        if let digest = expected?["tables_sha384"] ?? expected?["acpi_tables_sha384"] {
            #expect(digest == .string(Digest.of(tables.encoded, .sha384).hex), "\(name): tables")
        }
        let script = try LinkerScript(linking: tables).encoded
        if let digest = expected?["loader_sha384"] ?? expected?["table_loader_sha384"] {
            #expect(digest == .string(Digest.of(script, .sha384).hex), "\(name): table-loader")
        }
        let root = try ACPIRootPointer.encoded(for: tables)
        if let digest = expected?["rsdp_sha384"] {
            #expect(digest == .string(Digest.of(root, .sha384).hex), "\(name): rsdp")
        }
        if let hex = expected?["rsdp_hex"] { #expect(hex == .string(root.hex), "\(name): rsdp") }
    }
}

@Suite("known ACPI tables", .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
struct ACPIVectorTests {
    @Test("loader script and root pointer of all 14 public cases follow from the tables") func derivedLinks() throws {
        let cases = KnownTables.list(try KnownTables.document("tdx/public.json")["cases"])
        var names: [String] = []
        for vector in cases {
            let name = KnownTables.text(vector["name"])
            switch vector["kind"] {
            case .string("acpi-loader-derive"):
                let file = KnownTables.text(vector["inputs"]?["tables"]?["file"])
                let tables = try KnownTables.tables("tdx/" + file)
                #expect(
                    tables.placed.map { "\($0.table.signature) \($0.offset) \($0.table.bytes.count)" }
                        == KnownTables.list(vector["expected"]?["layout"]).map { entry in
                            let fields = KnownTables.list(entry)
                            return KnownTables.text(fields[0])
                                + " \(KnownTables.number(fields[1])) \(KnownTables.number(fields[2]))"
                        }, "\(name)")
                try KnownTables.expect(tables, vector["expected"], name)
                _ = try AMLTable(#require(tables["DSDT"]))
            case .string("acpi-loader-from-layout"):
                try KnownTables.expect(
                    KnownTables.tables(layout: vector["inputs"]?["layout"]), vector["expected"], name)
            default: continue
            }
            names.append(name)
        }
        #expect(names.count == 14, "\(names)")
    }

    @Test("tables that clouds publish for TDX hosts: digests, loader script and root pointer") func published() throws {
        var count = 0
        for vector in KnownTables.list(try KnownTables.document("peers/index.json")["vectors"]) {
            guard let path = vector["inputs"]?["acpi_tables_trimmed"] else { continue }
            let name = KnownTables.text(vector["name"])
            let tables = try KnownTables.tables("peers/" + KnownTables.text(path))
            try KnownTables.expect(tables, vector["expected"], name)
            let dsdt = try AMLTable(#require(tables["DSDT"]))
            #expect(dsdt.all.count { $0.kind == .processor } > 3, "\(name)")
            count += 1
        }
        #expect(count == 23)
    }

    @Test("one captured machine gives the published tables of 1 to 128 processors and other memory sizes")
    func derivedShapes() throws {
        let base = try KnownTables.tables("peers/tdx-acpi/oasis/cpu4.acpi_tables.trim.bin")
        var count = 0
        for path in ["oasis/vectors.json", "dstack-go/cpu17-128.digests.json"] {
            for vector in KnownTables.list(try KnownTables.document("peers/tdx-acpi/" + path)["acpi"]) {
                let shape = ACPIMachineShape(
                    processors: KnownTables.number(vector["cpus"]),
                    memory: UInt64(KnownTables.number(vector["memory_mib"])) << 20)
                let derived = try base.derived(
                    from: .init(processors: 4, memory: 512 << 20), to: shape, mmio64: 0x3800_0000_0000)
                try KnownTables.expect(derived, vector, "\(shape)")
                count += 1
            }
        }
        #expect(count == 84)
    }

    @Test("recorded boots: scripts follow from the tables, and one run's tables give another's") func recorded() throws
    {
        let runs = try FileSystem.list(KnownTables.folder + "/firmware-runs/runs").sorted()
        var count = 0
        var items: [String: ACPITables] = [:]
        for file in runs {
            let run = try KnownTables.document("firmware-runs/runs/" + file)
            func blob(_ name: String) throws -> [UInt8]? {
                guard let digest = run["files"]?["fw_cfg/" + name]?["sha256"] else { return nil }
                return try InputFile.contents(
                    of: KnownTables.folder + "/firmware-runs/blobs/" + KnownTables.text(digest))
            }
            guard let bytes = try blob(ACPITables.itemName) else { continue }
            let tables = try ACPITables(bytes, source: file)
            #expect(tables.encoded == bytes, "\(file)")
            #expect(try LinkerScript(linking: tables).encoded == blob(LinkerScript.itemName), "\(file)")
            #expect(try ACPIRootPointer.encoded(for: tables) == blob(ACPIRootPointer.itemName), "\(file)")
            _ = try AMLTable(#require(tables["DSDT"]))
            items[file] = tables
            count += 1
        }
        #expect(count >= 20)
        let small = try #require(items["direct-q10-f25-k612-smp2-2G.json"])
        let large = try #require(items["direct-q10-f25-k612-smp4-4G.json"])
        let two = ACPIMachineShape(processors: 2, memory: 2 << 30)
        let four = ACPIMachineShape(processors: 4, memory: 4 << 30)
        #expect(try small.derived(from: two, to: four, mmio64: nil) == large)
        #expect(try large.derived(from: four, to: two, mmio64: nil) == small)
    }
}
