import Bytes
import DiskFormats
import Documents
import EventLogs
import Files
import Firmware
import Hashing
import TestSupport
import Testing

@testable import LaunchMeasurement

@Suite("A disk started by some UEFI") struct AnyUEFITests {
    private static let kernel: [UInt8] = PEFile(sections: [
        .init(name: ".text", data: [UInt8](repeating: 0x90, count: 1000))
    ])
    .bytes

    private func image(stub: Int = 257, more: [PEFile.Section] = []) -> [UInt8] {
        let mark = "#### LoaderInfo: systemd-stub \(stub).1-1 ####"
        return PEFile(
            sections: [
                .init(name: ".sdmagic", data: Array(mark.utf8)), .init(name: ".osrel", data: Array("ID=x\n".utf8)),
                .init(name: ".cmdline", data: Array("quiet".utf8)), .init(name: ".linux", data: Self.kernel),
                .init(name: ".initrd", data: [1, 2, 3]),
            ] + more
        ).bytes
    }

    private func prediction(
        _ image: [UInt8], secureBoot: SecureBootValue?, store: VariableStore = VariableStore(variables: []),
        line: String? = nil
    ) throws -> BootPrediction {
        var contents = EventContents(algorithms: [.sha256])
        contents.add("uki.efi", ByteSource(image, name: "uki.efi"))
        if let line { contents.add("cmdline", ByteSource(Array(line.utf8), name: "line")) }
        return try BootPrediction(
            MachineBoot.anyUEFI(secureBoot: secureBoot, variables: store, contents: contents), exit: .first)
    }

    private func numbers(_ prediction: BootPrediction) -> [Int] {
        prediction.registers.compactMap { Int($0.name.dropFirst(3).prefix { $0 != "." }) }
    }

    private func value(_ number: Int, _ prediction: BootPrediction) -> Digest? {
        prediction.registers.first { $0.name == "PCR\(number).sha256" }?.digest
    }

    private func extended(_ digests: [Digest]) -> Digest {
        digests.reduce(.zero(.sha256)) { $0.extended(by: $1) }
    }

    @Test("PCR 4 is the call, the separator, the image and, by stubs up to 257 without secure boot, its kernel")
    func pcr4() throws {
        let start = [
            Digest.of(Array("Calling EFI Application from Boot Option".utf8), .sha256), .of([0, 0, 0, 0], .sha256),
        ]
        let inner = try Authenticode.digest(PEImage(Self.kernel, name: "kernel"), algorithm: .sha256)
        for (stub, hasKernel) in [(252, true), (257, true), (258, false), (262, false)] {
            let image = self.image(stub: stub)
            let outer = try Authenticode.digest(PEImage(image, name: "uki.efi"), algorithm: .sha256)
            let off = try prediction(image, secureBoot: .off)
            #expect(value(4, off) == extended(start + [outer] + (hasKernel ? [inner] : [])), "stub \(stub)")
            #expect(numbers(off) == [4, 7, 8, 9, 11, 12, 13, 14])
            let unknown = try prediction(image, secureBoot: nil)
            #expect(numbers(unknown) == (hasKernel ? [] : [4]) + [8, 9, 11, 12, 13, 14])
            #expect(unknown.unknown.map(\.register).contains("PCR7.sha256"))
            #expect(
                unknown.unknown.contains { $0.register == "PCR4.sha256" && $0.reason.contains("--secure-boot") }
                    == hasKernel)
        }
    }

    @Test("a line given to the stub goes into PCR 12 and replaces the image's own, but not under secure boot")
    func line() throws {
        let off = try prediction(image(), secureBoot: .off, line: "debug")
        let text = Array("debug\0".utf8).flatMap { byte -> [UInt8] in [byte, 0] }
        #expect(value(12, off) == extended([.of(text, .sha256)]))
        #expect(value(9, off) != value(9, try prediction(image(), secureBoot: .off)))
        #expect(numbers(try prediction(image(stub: 262), secureBoot: nil, line: "debug")) == [4, 8, 11, 13, 14])
    }

    @Test("secure boot needs a platform key, and an entry of db that allows the image") func secured() throws {
        #expect(throws: MeasurementInputError.self) { try prediction(self.image(), secureBoot: .on) }
        let image = self.image()
        let digest = try Authenticode.digest(PEImage(image, name: "uki.efi"), algorithm: .sha256)
        func list(_ type: GUID, _ data: [UInt8]) -> [UInt8] {
            var writer = ByteWriter()
            writer.append(type.bytes)
            for size in [28 + 16 + data.count, 0, 16 + data.count] { writer.append(UInt32(size)) }
            writer.append(repeating: 7, count: 16)
            writer.append(data)
            return writer.bytes
        }
        let key = list(SignatureDatabase.x509, [0x30, 0])
        let allowed = list(SignatureDatabase.sha256, digest.bytes)
        func store(_ db: [UInt8]) -> VariableStore {
            VariableStore(variables: [
                .init(vendor: .efiGlobalVariable, name: "PK", attributes: 0x27, data: key),
                .init(vendor: .imageSecurityDatabase, name: "db", attributes: 0x27, data: db),
            ])
        }
        #expect(throws: MeasurementInputError.self) { try prediction(image, secureBoot: .on, store: store(key)) }
        let on = try prediction(image, secureBoot: .on, store: store(key + allowed))
        var expected: [Digest] = []
        let variables: [(String, GUID, [UInt8])] = [
            ("SecureBoot", .efiGlobalVariable, [1]), ("PK", .efiGlobalVariable, key),
            ("KEK", .efiGlobalVariable, []), ("db", .imageSecurityDatabase, key + allowed),
            ("dbx", .imageSecurityDatabase, []),
        ]
        for (name, vendor, data) in variables {
            expected.append(.of(UEFIVariableData(vendor: vendor, name: name, data: data).encoded, .sha256))
        }
        expected.append(.of([0, 0, 0, 0], .sha256))
        let entry = [UInt8](repeating: 7, count: 16) + digest.bytes
        expected.append(
            .of(UEFIVariableData(vendor: .imageSecurityDatabase, name: "db", data: entry).encoded, .sha256))
        #expect(value(7, on) == extended(expected))
    }

    @Test("variables come as lists, as signed updates and as efivarfs shows them") func files() throws {
        var list = ByteWriter()
        list.append(SignatureDatabase.sha256.bytes)
        for size: UInt32 in [28 + 48, 0, 48] { list.append(size) }
        list.append(repeating: 9, count: 48)
        var update = ByteWriter()
        update.append(repeating: 1, count: 16)
        update.append(UInt32(24 + 5))
        update.append(UInt16(0x0200))
        update.append(UInt16(0x0EF1))
        update.append(try #require(GUID("4aafd29d-68df-49ee-8aa9-347d375665a7")).bytes)
        update.append(repeating: 2, count: 5)
        for front in [[], update.bytes, [0x27, 0, 0, 0]] {
            #expect(try SignatureDatabase.value(ofFile: front + list.bytes, source: "test") == list.bytes)
        }
        #expect(try SignatureDatabase.value(ofFile: [], source: "test").isEmpty)
        for wrong in [[1, 2, 3], Array(list.bytes.dropLast()), [0x30, 0x82] + list.bytes] {
            #expect(throws: FormatError.self) { try SignatureDatabase.value(ofFile: wrong, source: "test") }
        }
    }
}

@Suite(
    "What others say about PCRs of unified kernel images",
    .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
struct PCRPeerTests {
    private let folder: String

    init() throws { folder = try #require(Outside.vectors) + "/peers/" }

    private func expected(_ name: String) throws -> Value {
        let index = try JSONReader.parse(
            InputFile.contents(of: folder + "index.json"), source: "index.json", mode: .foreign)
        guard case .array(let entries)? = index.value["vectors"],
            let entry = entries.first(where: { $0.value["name"] == .string(name) }), let facts = entry.value["expected"]
        else { throw TestFailure("no vector \(name)") }
        return facts
    }

    private func text(_ value: Value?) -> String { if case .string(let text)? = value { text } else { "" } }

    @Test("uki-authenticode-pcr11: the image's digest, its sections, and PCR 11 as the peer extends it") func image()
        throws
    {
        let facts = try expected("uki-authenticode-pcr11")
        let bytes = try InputFile.contents(of: folder + "pcr/uki.efi")
        let image = try PEImage(bytes, name: "uki.efi")
        #expect(try Authenticode.digest(image, algorithm: .sha256).hex == text(facts["authenticode_sha256"]))
        #expect(try Authenticode.digest(image, algorithm: .sha384).hex == text(facts["authenticode_sha384_ours"]))
        var contents = EventContents(algorithms: [.sha256])
        contents.add("uki.efi", ByteSource(bytes, name: "uki.efi"))
        var boot = try MachineBoot.anyUEFI(
            secureBoot: .off, variables: VariableStore(variables: []), contents: contents)
        boot.stub = StubRules(version: 262)
        let prediction = try BootPrediction(boot, exit: .first)
        let sections = prediction.events.filter { $0.pcr == 11 }
        for event in sections where event.name.hasPrefix("section .") {
            let name = String(event.name.dropFirst("section ".count))
            #expect(event.digest(.sha256)?.hex == text(facts["sections"]?[name]?["sha256"]), "\(name)")
        }
        #expect(sections.count == 16)
        // The peer's list ends with a section .pcrkey, which systemd's stub does not know.
        var value = try #require(prediction.registers.first { $0.name == "PCR11.sha256" }).digest
        value = value.extended(by: .of(Array(".pcrkey\0".utf8), .sha256))
        value = value.extended(
            by: try #require(Digest(.sha256, hex: text(facts["sections"]?[".pcrkey"]?["sha256"]))))
        #expect(value.hex == text(facts["pcr11_sha256_ours"]))
    }

    @Test("uki-authenticode-pcr11: the peer's own cases of PCR 4, 9 and 11") func units() throws {
        let facts = try expected("uki-authenticode-pcr11")
        guard case .array(let units)? = facts["unit"] else { throw TestFailure("no cases") }
        #expect(units.count == 3)
        func digest(_ value: Value?) throws -> Digest { try #require(Digest(.sha256, hex: text(value))) }
        for unit in units.map(\.value) {
            var boot = BootEvents(contents: EventContents(algorithms: [.sha256]))
            var digests: [Digest] = []
            switch unit["pcr"] {
            case .integer(4):
                try boot.readyToBoot(separators: [4])
                guard case .array(let stages)? = unit["stages"] else { throw TestFailure("no stages") }
                digests = try boot.events.compactMap { $0.digest(.sha256) } + stages.map { try digest($0.value) }
            case .integer(9):
                let line = MeasuredEvent.Piece("line", .literal(Array(text(unit["cmdline"]).utf8)), encoding: .utf16)
                try boot.linuxStub(options: [line], initrd: [])
                digests = try boot.events.compactMap { $0.digest(.sha256) } + [digest(unit["initrd_sha256"])]
            default:
                guard case .array(let sections)? = unit["sections"] else { throw TestFailure("no sections") }
                for case .array(let pair) in sections.map(\.value) {
                    digests += [.of(Array(text(pair[0].value).utf8) + [0], .sha256), try digest(pair[1].value)]
                }
            }
            #expect(digests.reduce(Digest.zero(.sha256)) { $0.extended(by: $1) }.hex == text(unit["value"]))
        }
    }

    /// Google's machines with TDX extend the TPM by the number of the TD's register: what belongs to PCR 4 and 5 for an
    /// image and its disk is in PCR 2.
    @Test("gcp-vtpm-uki-eventlog: PCR 7 of what is enrolled with secure boot off, the two images in PCR 2")
    func google()
        throws
    {
        let facts = try expected("gcp-vtpm-uki-eventlog")
        let bytes = try InputFile.contents(of: folder + "eventlogs/dstack-gcp-tpm_eventlog.bin")
        let log = try bytes.withReader(source: "log") { reader throws(FormatError) in
            try EventLog(parsing: &reader, registers: .tpm)
        }
        var boot = BootEvents(contents: EventContents(algorithms: [.sha256]))
        var store = VariableStore(variables: [])
        for record in log.records where record.type == .variableDriverConfig {
            let variable = try record.data.withReader(source: "variable") { reader throws(FormatError) in
                try UEFIVariableData(parsing: &reader)
            }
            store.variables.append(
                .init(vendor: variable.vendor, name: variable.name, attributes: 7, data: variable.data))
        }
        try boot.secureBootVariables(store, secureBoot: .off)
        try boot.readyToBoot(separators: [4])
        func value(_ pcr: UInt32, _ more: [String] = []) -> String {
            (boot.events.filter { $0.pcr == pcr }.compactMap { $0.digest(.sha256) }
                + more.compactMap { Digest(.sha256, hex: $0) }).reduce(Digest.zero(.sha256)) { $0.extended(by: $1) }.hex
        }
        #expect(value(7) == text(facts["pcr_sha256"]?["7"]))
        #expect(value(4) == text(facts["pcr_sha256"]?["4"]))
        let table = try #require(log.records.first { $0.type == .gptEvent }?.digest(.sha256))
        let images = ["uki_authenticode_sha256", "uki_linux_section_authenticode_sha256"].map { text(facts[$0]) }
        try boot.separator(pcr: 2, origin: "test")
        #expect(value(2, [table.hex] + images) == text(facts["pcr_sha256"]?["2"]))
    }
}
