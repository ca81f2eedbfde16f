import Bytes
import Documents
import Files
import Firmware
import Hashing
import TestSupport
import Testing

/// One case of `snp/public.json` about the tables of a firmware.
private struct InspectCase {
    var name: String
    var bytes: [UInt8]
    var expected: Value
}

private func cases() throws -> [InspectCase] {
    guard let vectors = Outside.vectors else { throw TestFailure("ASSAY_VECTORS is not set") }
    let folder = vectors + "/snp"
    let index = try JSONReader.parse(
        InputFile.contents(of: folder + "/public.json"), source: "public.json", mode: .foreign)
    guard case .array(let nodes) = index.value["cases"] else { throw TestFailure("no cases") }
    return try nodes.map(\.value).filter { $0["mode"] == .string("firmware-inspect") }.map { entry in
        guard case .string(let name) = entry["name"], let input = entry["inputs"]?["ovmf"],
            let expected = entry["expected"]
        else { throw TestFailure("a case without name, input or expectation") }
        let bytes: [UInt8]
        if case .string(let file) = input["file"] {
            bytes = try InputFile.contents(of: folder + "/" + file)
        } else if case .string(let package) = input["package"], case .string(let version) = input["version"],
            case .string(let path) = input["path"]
        {
            bytes = try PoolPackage(package, version: version).contents(path)
        } else {
            throw TestFailure("\(name): no input")
        }
        #expect(input["sha256"] == .string(Digest.of(bytes, .sha256).hex))
        return InspectCase(name: name, bytes: bytes, expected: expected)
    }
}

private func area(_ area: OVMFImage.MemoryArea?) -> Value {
    guard let area else { return .null }
    return .object([("base", .hex(area.base)), ("size", .hex(area.size))])
}

@Suite("known firmware")
struct KnownFirmwareTests {
    @Test(
        "the tables of the known answers",
        .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set: known answers are not checked"),
        .enabled(if: PoolPackage.available, "ASSAY_POOL is not set: real firmware is not checked"))
    func vectors() throws {
        let cases = try cases()
        #expect(cases.count >= 3)
        for known in cases {
            let image = try OVMFImage(known.bytes, name: known.name)
            #expect(known.expected["base_gpa"] == .hex(image.baseGPA), "\(known.name)")
            let guids = image.table.entries.map { $0.guid.description }
            if case .array(let nodes) = known.expected["table_guids"] {
                #expect(Set(nodes.map(\.value)) == Set(guids.map { .string($0) }), "\(known.name)")
            }
            #expect(known.expected["sev_es_reset_eip"] == .hex(try image.sevESResetAddress()), "\(known.name)")
            #expect(
                known.expected["hash_table"]?.plainObject == area(try image.sevHashTableArea()).plainObject,
                "\(known.name)")
            #expect(
                known.expected["secret"]?.plainObject == area(try image.sevSecretArea()).plainObject, "\(known.name)")
            let sections = try image.sevMetadata().sections.map {
                Value.object([
                    ("gpa", .hex($0.gpa)), ("size", .hex($0.size)), ("type", .integer(Int64($0.kind.rawValue))),
                ])
            }
            let listed = known.expected["sections"].map { value -> [Value] in
                guard case .array(let nodes) = value else { return [] }
                return nodes.map(\.value)
            }
            #expect(listed?.map(\.plainObject) == sections.map(\.plainObject), "\(known.name)")
            let launch = try image.svsmLaunchOffset().map { Value.hex($0) } ?? .null
            #expect(known.expected["svsm_launch_offset"] == launch, "\(known.name)")
            let verifier: Value = try image.verifiesKernelHashes().map { .bool($0) } ?? .null
            #expect(known.expected["kernel_hash_verifier"] == verifier, "\(known.name)")
        }
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
