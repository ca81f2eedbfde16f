import Bytes
import Documents
import EventLogs
import Files
import Firmware
import Hashing
import TestSupport
import Testing

@testable import LaunchMeasurement

/// Registers that others publish for machines of theirs, from what they publish of these machines.
struct PeerVectors {
    static let folder = (Outside.vectors ?? "") + "/peers"

    struct Entry: Sendable, CustomTestStringConvertible {
        let name: String
        let value: Value
        var testDescription: String { name }
    }

    static func document(_ path: String) throws -> Value {
        try JSONReader.parse(InputFile.contents(of: folder + "/" + path), source: path, mode: .foreign).value
    }

    static func of(_ kind: String) -> [Entry] {
        guard Outside.vectors != nil, let index = try? document("index.json"),
            case .array(let nodes)? = index["vectors"]
        else { return [] }
        return nodes.map(\.value).filter { $0["kind"]?.text == kind }.map {
            Entry(name: $0["name"]?.text ?? "", value: $0)
        }
    }

    static func named(_ name: String, _ kind: String) throws -> Value {
        try #require(of(kind).first { $0.name == name }).value
    }
}

@Suite("Registers of peers' machines", .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
struct PeerRegisterTests {
    /// TDVF sections as a peer's list has them.
    private func metadata(_ sections: [Value]) throws -> TDVFMetadata {
        let kinds: [String: TDVFMetadata.Kind] = ["BFV": .bfv, "CFV": .cfv, "TempMem": .tempMem, "TD_HOB": .tdHOB]
        return TDVFMetadata(
            sections: try sections.map { section in
                TDVFMetadata.Section(
                    dataOffset: UInt32(section["data_offset"]?.number ?? 0),
                    rawSize: UInt32(section["raw_size"]?.number ?? 0), address: section["gpa"]?.number ?? 0,
                    memorySize: section["mem_size"]?.number ?? 0,
                    kind: try #require(kinds[section["type"]?.text ?? ""]), attributes: 0, recordOffset: 0)
            })
    }

    @Test("there are 23 machines with tables of their own") func count() {
        #expect(PeerVectors.of("tdx-rtmr0-from-acpi").count == 23)
    }

    @Test("RTMR0 from the tables and the size of memory", arguments: PeerVectors.of("tdx-rtmr0-from-acpi"))
    func firstRegister(_ entry: PeerVectors.Entry) throws {
        let vector = entry.value
        let firmware = try PeerVectors.document("tdx-rtmr0/firmware.json")
        let profile = try #require(
            (firmware["profiles"]?.items ?? []).first { $0["id"]?.text == vector["params"]?["firmware"]?.text })
        let metadata = try metadata(profile["tdvf_sections"]?.items ?? [])
        let path = try #require(vector["inputs"]?["acpi_tables_trimmed"]?.text)
        var bytes = try InputFile.contents(of: PeerVectors.folder + "/" + path)
        bytes += [UInt8](repeating: 0, count: 0x2_0000 - bytes.count)
        let tables = try ACPITables(bytes, source: path)
        var contents = EventContents(algorithms: [.sha384])
        contents.add("variables.fd", ByteSource(VariableStore.empty(), name: "variable store"))
        contents.add(blobs: [
            "etc/acpi/tables": bytes, "etc/table-loader": try LinkerScript(linking: tables).encoded,
            "etc/acpi/rsdp": try ACPIRootPointer.encoded(for: tables),
        ])
        var boot = BootEvents(contents: contents)
        let memory = try #require(vector["params"]?["memory_bytes"]?.number)
        try boot.tdHandoffBlock(TDHandoffBlock(memory: memory, metadata: metadata))
        try boot.configurationVolume(metadata)
        try boot.secureBootVariables(VariableStore(variables: []), secureBoot: .absent)
        try boot.acpiBlobs()
        let application = DevicePath([
            .firmwareVolume(FirmwareTraits.applicationVolume), .firmwareFile(FirmwareTraits.setup),
        ])
        let option = LoadOption(attributes: 0x109, description: "UiApp", path: application)
        try boot.bootVariables(
            BootOptions(order: [0], options: [.init(number: 0, loadOption: option)], origin: "edk2 2025.02"))
        let value = boot.events.extend("RTMR0", register: "RTMR0", algorithm: .sha384).digest
        #expect(value.hex == vector["expected"]?["rtmr0"]?.text)
        if let block = vector["expected"]?["events"]?["td_hob"]?.text {
            #expect(boot.events.first?.digest(.sha384)?.hex == block)
        }
    }

    /// The sections of Google's firmware as they stand in a list that it left.
    private func googleMetadata(_ template: [UInt8]) throws -> TDVFMetadata {
        func number(_ offset: Int) -> UInt64 {
            template[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        let accepted = stride(from: 56, to: template.count, by: 48).filter { template[$0 + 24] == 0 }
        let kinds: [TDVFMetadata.Kind] = [.bfv, .cfv, .tempMem, .tempMem, .tdHOB, .tempMem]
        try #require(accepted.count == kinds.count)
        return TDVFMetadata(
            sections: zip(accepted, kinds).map { offset, kind in
                TDVFMetadata.Section(
                    dataOffset: 0, rawSize: 0, address: number(offset + 32), memorySize: number(offset + 40),
                    kind: kind, attributes: 0, recordOffset: 0)
            })
    }

    @Test("gcp-machine-matrix: the hand-off blocks of Google's C3 machines by their memory") func machineMatrix() throws
    {
        _ = try PeerVectors.named("gcp-machine-matrix", "tdx-rtmr0-digest-matrix")
        let quote = try PeerVectors.named("gcp-c3-portable-2026-06", "tdx-quote+all-event-digests")
        let template = try #require([UInt8](hex: quote["params"]?["td_hob_template_hex"]?.text ?? ""))
        let metadata = try googleMetadata(template)
        let matrix = try PeerVectors.document("quotes/gcp/gcp-machine-matrix.json")
        guard case .object(let machines)? = matrix["machines"] else { throw TestFailure("no machines") }
        #expect(machines.map(\.key) == ["c3-standard-4", "c3-standard-8", "c3-standard-22", "c3-standard-44"])
        for machine in machines {
            let gibibytes = try #require(matrix["ram_gib"]?[machine.key]?.number)
            let list = try GoogleHandoffBlock(memory: gibibytes << 30, acceptEarly: true, metadata: metadata).bytes
            // edk2 hashes the list without its end block.
            let measured = Array(list.dropLast(8))
            #expect(Digest.of(measured, .sha384).hex == machine.node.value["td_hob"]?.text, "\(machine.key)")
            #expect(Array(measured.prefix(576)) == Array(template.prefix(576)), "\(machine.key)")
        }
    }

    @Test("gcp-machine-matrix: a log of c3-standard-4 has the digests that are listed for its firmware")
    func machineLog() throws {
        let matrix = try PeerVectors.document("quotes/gcp/gcp-machine-matrix.json")
        let path = PeerVectors.folder + "/eventlogs/gcp-cos113.ccel.bin"
        let log = try InputFile.contents(of: path).withReader(source: path) { reader throws in
            try EventLog(parsing: &reader, registers: .tdx)
        }
        let digests = log.records.compactMap { $0.digest(.sha384)?.hex }
        let machine = try #require(matrix["machines"]?["c3-standard-4"])
        let tables = try #require(machine["acpi"]?.items.first)
        #expect(tables["note"]?.text == "Pre-March 2026 firmware")
        var wanted = [machine["td_hob"]?.text]
        wanted += ["loader", "rsdp", "tables"].map { tables[$0]?.text }
        let places = try wanted.map { text in
            let digest = try #require(text)
            return try #require(digests.firstIndex(of: digest), "\(digest)")
        }
        #expect(places == places.sorted())
    }

    @Test("gcp-c3-portable-2026-06: RTMR0 to RTMR2 of a signed quote from its events") func portableQuote() throws {
        let vector = try PeerVectors.named("gcp-c3-portable-2026-06", "tdx-quote+all-event-digests")
        let expected = try #require(vector["expected"])
        let known = try #require(expected["events"])
        func digest(_ name: String) throws -> Digest {
            let text = try #require(known[name]?.text)
            return try #require(Digest(.sha384, hex: text))
        }
        func extended(_ digests: [Digest]) -> String {
            digests.reduce(Digest.zero(.sha384)) { $0.extended(by: $1) }.hex
        }
        let list = try #require([UInt8](hex: vector["params"]?["empty_signature_list_hex"]?.text ?? ""))
        let store = VariableStore(
            variables: ["PK", "KEK", "db", "dbx"].map { name in
                let vendor: GUID = name.hasPrefix("d") ? .imageSecurityDatabase : .efiGlobalVariable
                return .init(vendor: vendor, name: name, attributes: 0x27, data: list)
            })
        var boot = BootEvents(contents: EventContents(algorithms: [.sha384]))
        try boot.secureBootVariables(store, secureBoot: .off)
        var order = ByteWriter()
        for number in [1, 2, 0] as [UInt16] { order.append(number) }
        let first =
            try [digest("td_hob_16GiB"), digest("cfv")] + boot.events.compactMap { $0.digest(.sha384) }
            + [digest("acpi_loader"), digest("acpi_rsdp"), digest("acpi_tables"), .of(order.bytes, .sha384)]
            + [digest("boot0001"), digest("boot0002"), digest("boot0000")]
        #expect(extended(first) == expected["rtmr0"]?.text)
        var ready = BootEvents(contents: EventContents(algorithms: [.sha384]))
        try ready.readyToBoot(separators: [5])
        var exit = BootEvents(contents: EventContents(algorithms: [.sha384]))
        try exit.exitBootServices(.first)
        let images = try [digest("gpt"), digest("uki"), digest("kernel")]
        #expect(
            extended(
                ready.events.compactMap { $0.digest(.sha384) } + images + exit.events.compactMap { $0.digest(.sha384) })
                == expected["rtmr1"]?.text)
        #expect(try extended([digest("cmdline"), digest("initrd")]) == expected["rtmr2"]?.text)
    }
}
