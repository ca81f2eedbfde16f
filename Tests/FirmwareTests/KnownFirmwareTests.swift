import Bytes
import Documents
import Files
import Firmware
import Hashing
import TestSupport
import Testing

/// One case of `snp/public.json` about the tables of a firmware.
struct InspectCase: Sendable, CustomTestStringConvertible {
    let folder: String
    let entry: Value

    var testDescription: String { text(entry["name"]) ?? "a case without a name" }

    /// All of them; none where there are no vectors.
    static let all: [InspectCase] = {
        guard let vectors = Outside.vectors,
            let bytes = try? InputFile.contents(of: vectors + "/snp/public.json"),
            let index = try? JSONReader.parse(bytes, source: "public.json", mode: .foreign),
            case .array(let nodes) = index.value["cases"]
        else { return [] }
        return nodes.map(\.value).filter { $0["mode"] == .string("firmware-inspect") }
            .map { InspectCase(folder: vectors + "/snp/", entry: $0) }
    }()

    private func text(_ value: Value?) -> String? {
        if case .string(let text) = value { text } else { nil }
    }

    func image() throws -> OVMFImage {
        let input = entry["inputs"]?["ovmf"]
        let bytes: [UInt8]
        if let file = text(input?["file"]) {
            bytes = try InputFile.contents(of: folder + file)
        } else {
            let package = try PoolPackage(
                #require(text(input?["package"])), version: #require(text(input?["version"])))
            bytes = try package.contents(#require(text(input?["path"])))
        }
        #expect(input?["sha256"] == .string(Digest.of(bytes, .sha256).hex))
        return try OVMFImage(bytes, name: testDescription)
    }
}

private func area(_ area: OVMFImage.MemoryArea?) -> Value {
    guard let area else { return .null }
    return .object([("base", .hex(area.base)), ("size", .hex(area.size))])
}

@Suite("known firmware")
struct KnownFirmwareTests {
    @Test(
        "the cases are there",
        .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set: known answers are not checked")
    )
    func count() { #expect(InspectCase.all.count >= 3) }

    @Test(
        "the tables of a known answer",
        .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set: known answers are not checked"),
        .enabled(if: PoolPackage.available, "ASSAY_POOL is not set: real firmware is not checked"),
        arguments: InspectCase.all)
    func tables(of known: InspectCase) throws {
        let image = try known.image()
        let expected = try #require(known.entry["expected"])
        #expect(expected["base_gpa"] == .hex(image.baseGPA))
        let guids = image.table.entries.map { Value.string($0.guid.description) }
        #expect(list(expected["table_guids"]).map { Set($0) } == Set(guids))
        #expect(expected["sev_es_reset_eip"] == .hex(try image.sevESResetAddress()))
        #expect(expected["hash_table"]?.plainObject == area(try image.sevHashTableArea()).plainObject)
        #expect(expected["secret"]?.plainObject == area(try image.sevSecretArea()).plainObject)
        let sections = try image.sevMetadata().sections.map {
            Value.object([
                ("gpa", .hex($0.gpa)), ("size", .hex($0.size)), ("type", .integer(Int64($0.kind.rawValue))),
            ])
        }
        #expect(list(expected["sections"])?.map(\.plainObject) == sections.map(\.plainObject))
        #expect(expected["svsm_launch_offset"] == (try image.svsmLaunchOffset().map { .hex($0) } ?? .null))
        #expect(expected["kernel_hash_verifier"] == (try image.verifiesKernelHashes().map { .bool($0) } ?? .null))
    }

    private func list(_ value: Value?) -> [Value]? {
        if case .array(let nodes) = value { nodes.map(\.value) } else { nil }
    }

    @Test(
        "only the AmdSev build has the verifier, and the volumes of each build are found",
        .enabled(if: PoolPackage.available, "ASSAY_POOL is not set: real firmware is not checked"),
        arguments: [
            ("ovmf-amdsev", "2026.08+ds-2", "usr/share/ovmf/OVMF.amdsev.fd", true, true),
            ("ovmf-generic", "2026.08+ds-2", "usr/share/ovmf/OVMF.fd", false, true),
            ("ovmf-inteltdx", "2026.08+ds-2", "usr/share/ovmf/OVMF.inteltdx.ms.fd", false, false),
            ("ovmf", "2022.11-6+deb12u2", "usr/share/ovmf/OVMF.fd", false, true),
        ])
    func verifier(package: String, version: String, path: String, verifies: Bool, hasPEI: Bool) throws {
        let bytes = try PoolPackage(package, version: version).contents(path)
        let volumes = try FirmwareVolumes.unpack(bytes, source: path)
        #expect(OVMFImage.verifiesKernelHashes(volumes) == verifies)
        let names = volumes.compactMap(\.name?.description)
        #expect(names.contains("6938079b-b503-4e3d-9d24-b28337a25806") == hasPEI)
        #expect(names.contains("7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1"))
        #expect(volumes.contains { $0.files.contains { $0.type == 5 } })
    }

    @Test(
        "the TDX metadata of the IntelTdx build is what its documentation lists",
        .enabled(if: PoolPackage.available, "ASSAY_POOL is not set: real firmware is not checked"))
    func tdx() throws {
        let package = try PoolPackage("ovmf-inteltdx", version: "2026.08+ds-2")
        let image = try OVMFImage(package.contents("usr/share/ovmf/OVMF.inteltdx.ms.fd"), name: "ovmf")
        let sections = try image.tdvfMetadata().sections
        #expect(sections.map(\.kind) == [.bfv, .cfv, .tempMem, .tempMem, .tdHOB, .tempMem])
        #expect(sections.map(\.address) == [0xFFC8_4000, 0xFFC0_0000, 0x81_0000, 0x80_B000, 0x80_9000, 0x80_0000])
        #expect(sections.map(\.memorySize) == [0x37_C000, 0x8_4000, 0x1_0000, 0x2000, 0x2000, 0x6000])
        #expect(sections.map(\.extendsMR) == [true, false, false, false, false, false])
    }
}

extension Value {
    /// The members of a flat object by key, for comparison without locations.
    fileprivate var plainObject: [String: Value] {
        guard case .object(let members) = self else { return [:] }
        return Dictionary(members.map { ($0.key, $0.node.value) }, uniquingKeysWith: { first, _ in first })
    }
}
