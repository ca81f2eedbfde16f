import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing

@Suite("MRTD and TD HOB") struct MRTDTests {
    /// Every record of a two-page BFV and a one-page TEMP_MEM, put together by hand.
    private func expected(_ image: [UInt8], order: MRTD.PageOrder) -> Digest {
        func record(_ name: String, _ address: UInt64) -> [UInt8] {
            var writer = ByteWriter()
            writer.append(text: name)
            writer.append(repeating: 0, count: 16 - name.utf8.count)
            writer.append(address)
            writer.append(repeating: 0, count: 104)
            return writer.bytes
        }
        func chunks(_ page: Int) -> [UInt8] {
            (0..<16).flatMap { chunk in
                let offset = page * 4096 + chunk * 256
                return record("MR.EXTEND", 0xFFFF_E000 + UInt64(offset)) + image[0x2000 + offset..<0x2100 + offset]
            }
        }
        let add = [record("MEM.PAGE.ADD", 0xFFFF_E000), record("MEM.PAGE.ADD", 0xFFFF_F000)]
        let firmware =
            order == .single
            ? add[0] + chunks(0) + add[1] + chunks(1) : add[0] + add[1] + chunks(0) + chunks(1)
        let rest = record("MEM.PAGE.ADD", 0x81_0000) + record("MEM.PAGE.ADD", 0x80_9000)
        return .of(firmware + rest, .sha384)
    }

    private func image() throws -> OVMFImage {
        var firmware = SyntheticFirmware()
        firmware.size = 0x6000
        firmware.tdvf = [
            .init(0x2000, 0x2000, 0xFFFF_E000, 0x2000, 0, 1), .init(0, 0, 0x81_0000, 0x1000, 3, 0),
            .init(0, 0, 0x80_9000, 0x1000, 2, 0), .init(0, 0, 0x82_0000, 0x1000, 3, 2),
        ]
        return try OVMFImage(firmware.bytes, name: "firmware")
    }

    @Test(
        "records come in the loader's page order; later accepted memory gives none", arguments: MRTD.PageOrder.allCases)
    func records(_ order: MRTD.PageOrder) throws {
        let image = try image()
        let result = try MRTD.measure(image, metadata: image.tdvfMetadata(), order: order, artifact: "firmware")
        #expect(result.digest == expected(image.bytes, order: order))
        #expect(result.trace.children.count == 3 && result.trace.digest == result.digest)
    }

    @Test("a section larger in memory than in the file is refused") func padded() throws {
        var firmware = SyntheticFirmware()
        firmware.tdvf?[0].memorySize = 0x7000
        let image = try OVMFImage(firmware.bytes, name: "firmware")
        #expect(throws: MeasurementInputError.self) {
            try MRTD.measure(image, metadata: image.tdvfMetadata(), order: .single, artifact: "firmware")
        }
    }

    @Test("the hand-off list splits memory around the firmware's sections") func handoff() throws {
        var firmware = SyntheticFirmware()
        firmware.tdvf = [
            .init(0x2000, 0x6000, 0xFFFF_A000, 0x6000, 0, 1), .init(0, 0, 0x81_0000, 0x1_0000, 3, 0),
            .init(0, 0, 0x80_B000, 0x2000, 3, 0), .init(0, 0, 0x80_9000, 0x2000, 2, 0),
            .init(0, 0, 0x80_0000, 0x6000, 3, 0),
        ]
        let metadata = try OVMFImage(firmware.bytes, name: "firmware").tdvfMetadata()
        let block = try TDHandoffBlock(memory: 2 << 30, metadata: metadata)
        #expect(block.address == 0x80_9000 && block.ranges.count == 8)
        #expect(block.ranges.map(\.length).reduce(0, +) == 2 << 30)
        // Seen in the logs of real TDs with this layout.
        #expect(Digest.of(block.measuredBytes, .sha384).hex.hasPrefix("0b8772e5"))
        let large = try TDHandoffBlock(memory: 64 << 30, metadata: metadata)
        #expect(Digest.of(large.measuredBytes, .sha384).hex.hasPrefix("8ae1e425"))
        #expect(throws: MeasurementInputError.self) { try TDHandoffBlock(memory: 8 << 20, metadata: metadata) }
        let limited = try TDHandoffBlock(.init(memory: 2 << 30, maximumBelow4G: 1 << 30), metadata: metadata)
        #expect(limited.ranges.count == 9)
        #expect(limited.ranges.last == .init(start: 1 << 32, length: 1 << 30, accepted: false))
    }
}

@Suite(
    "MRTD and TD HOB of Debian's firmware",
    .enabled(if: Outside.vectors != nil && PoolPackage.available, "ASSAY_VECTORS or ASSAY_POOL is not set"))
struct MRTDVectorTests {
    private func cases(_ kind: String) throws -> [Value] {
        let bytes = try InputFile.contents(of: (Outside.vectors ?? "") + "/tdx/public.json")
        let document = try JSONReader.parse(bytes, source: "public.json", mode: .foreign)
        guard case .array(let nodes) = document.value["cases"] else { return [] }
        return nodes.map(\.value).filter { $0["kind"] == .string(kind) }
    }

    private func text(_ value: Value?) -> String { if case .string(let text) = value { text } else { "" } }

    private func image(_ vector: Value) throws -> OVMFImage {
        if let file = vector["inputs"]?["image"]?["file"] {
            return try OVMFImage(
                InputFile.contents(of: (Outside.vectors ?? "") + "/tdx/" + text(file)), name: text(file))
        }
        guard let package = vector["inputs"]?["deb"], case .array(let members) = package["members_concatenated"] else {
            throw TestFailure("unreadable vector \(text(vector["name"]))")
        }
        let unpacked = try PoolPackage(text(package["package"]), version: text(package["version"]))
        let bytes = try members.flatMap { try unpacked.contents(text($0.value)) }
        return try OVMFImage(bytes, name: text(vector["name"]))
    }

    @Test("both page orders give the known values") func mrtd() throws {
        let vectors = try cases("mrtd")
        #expect(vectors.count == 7)
        for vector in vectors {
            let image = try image(vector)
            for (order, key) in [(MRTD.PageOrder.single, "mrtd_single_pass"), (.twoPass, "mrtd_two_pass")] {
                let result = try MRTD.measure(image, metadata: image.tdvfMetadata(), order: order, artifact: "firmware")
                #expect(result.digest.hex == text(vector["expected"]?[key]), "\(text(vector["name"])) \(key)")
            }
        }
    }

    @Test("damaged metadata is refused") func damaged() throws {
        for vector in try cases("tdvf-parse-error") {
            #expect(throws: FormatError.self, "\(text(vector["name"]))") { try image(vector).tdvfMetadata() }
        }
    }

    @Test("the hand-off list of every memory size is QEMU's") func handoff() throws {
        var sizes = 0
        for vector in try cases("td-hob") where vector["inputs"]?["deb"] != nil {
            let metadata = try image(vector).tdvfMetadata()
            guard case .object(let members) = vector["expected"]?["sha384_by_memory_mib"] else { continue }
            for member in members {
                let block = try TDHandoffBlock(memory: (UInt64(member.key) ?? 0) << 20, metadata: metadata)
                #expect(Digest.of(block.measuredBytes, .sha384).hex == text(member.node.value), "\(member.key) MiB")
                sizes += 1
            }
        }
        #expect(sizes >= 15)
    }

    @Test("keys of a shipped variable store give the events that virt-firmware computes") func secureBoot() throws {
        for vector in try cases("secure-boot-variable-events") {
            let image = try image(vector)
            let store = try image.bytes.withReader(source: "variables") { reader throws(FormatError) in
                try VariableStore(parsing: &reader)
            }
            let digests = try BootEventsProbe.secureBoot(store, .on)
            for name in ["SecureBoot", "PK", "KEK", "db", "dbx"] {
                #expect(digests[name] == text(vector["expected"]?["secureboot_on"]?[name]), "\(name)")
            }
        }
    }
}
