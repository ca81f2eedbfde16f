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

private let given: Comment = "ASSAY_VECTORS is not set: known answers are not checked"

private func present(_ kinds: String...) -> [TDXVectors.Case] {
    TDXVectors.all.filter { kinds.contains($0.kind) && $0.missingPackages.isEmpty }
}

extension TDXVectors.Case {
    /// Packages that are not here.
    fileprivate var missingPackages: [String] {
        packages.filter { !PoolPackage.has($0.name, version: $0.version) }.map { "\($0.name) \($0.version)" }
    }
}

@Suite("TDX known answers: nothing is left out") struct TDXVectorCoverageTests {
    /// Kinds that this target checks, and those that are other targets'.
    private static let here: Set<String> = [
        "mrtd", "secure-boot-variable-events", "td-hob", "tdvf-parse-error", "rtmr-replay", "rtmr-replay-json",
        "event-digest", "gpt-event", "acpi-loader-derive", "acpi-loader-from-layout", "pe-authenticode-sha384",
        "kernel-patch", "linux-loadoptions-event", "uki-events", "rtmr2-predict", "direct-boot-predict",
        "smbios-event", "boot-variable-event", "tcg2-log-parse", "ccel-parse-error", "pe-parse-error",
    ]
    private static let elsewhere: Set<String> = ["quote-parse", "quote-parse-error"]

    @Test("every kind of case is claimed by a test", .enabled(if: Outside.vectors != nil, given))
    func kinds() {
        #expect(TDXVectors.all.count >= 94)
        for entry in TDXVectors.all {
            #expect(
                Self.here.contains(entry.kind) || Self.elsewhere.contains(entry.kind), "\(entry.name): \(entry.kind)")
        }
        #expect(Set(TDXVectors.all.map(\.name)).count == TDXVectors.all.count)
    }

    private static let missing = TDXVectors.all.filter { !$0.missingPackages.isEmpty }.map {
        "\($0.name) needs \($0.missingPackages.joined(separator: ", "))"
    }

    @Test(
        "every package that a case needs is here",
        .enabled(if: missing.isEmpty, "not checked: \(missing.joined(separator: "; "))"))
    func packages() { #expect(Self.missing.isEmpty) }
}

@Suite("TDX known answers: initial memory", .enabled(if: Outside.vectors != nil, given)) struct TDXMemoryVectorTests {
    private func image(_ entry: TDXVectors.Case) throws -> OVMFImage {
        let bytes = try entry.inputs["image"] != nil ? entry.input("image") : entry.packaged()
        return try OVMFImage(bytes, name: entry.name)
    }

    @Test("MRTD in both page orders, and the sections", arguments: present("mrtd"))
    func registers(_ entry: TDXVectors.Case) throws {
        let image = try image(entry)
        let metadata = try image.tdvfMetadata()
        for (order, key) in [(MRTD.PageOrder.single, "mrtd_single_pass"), (.twoPass, "mrtd_two_pass")] {
            entry.expect(
                key, try MRTD.measure(image, metadata: metadata, order: order, artifact: "firmware").digest.hex)
        }
        let sections = entry.expected["sections"]?.items ?? []
        if entry.inputs["deb"] != nil { #expect(sections.count == metadata.sections.count) }
        for (expected, section) in zip(sections, metadata.sections) {
            #expect(expected["data_offset"]?.number == UInt64(section.dataOffset))
            #expect(expected["raw_size"]?.number == UInt64(section.rawSize))
            #expect(expected["mem_addr"]?.number == section.address)
            #expect(expected["mem_size"]?.number == section.memorySize)
            #expect(expected["type_name"]?.text == "\(section.kind)")
            #expect(expected["attr"]?.number == UInt64(section.attributes))
        }
        if let digest = entry.expected["cfv_sha384"]?.text {
            let volume = try #require(metadata.sections.first { $0.kind == .cfv })
            #expect(digest == Digest.of(Array(image.bytes[volume.range]), .sha384).hex)
        }
    }

    @Test("an image that a loader must refuse", arguments: present("tdvf-parse-error"))
    func refused(_ entry: TDXVectors.Case) throws {
        #expect(throws: FormatError.self) { try image(entry).tdvfMetadata() }
    }

    @Test("the TD HOB by memory size", arguments: present("td-hob"))
    func handoff(_ entry: TDXVectors.Case) throws {
        var metadata: TDVFMetadata
        if entry.inputs["deb"] != nil {
            metadata = try image(entry).tdvfMetadata()
        } else {
            metadata = TDVFMetadata(
                sections: try (entry.inputs["sections"]?.items ?? []).map { section in
                    let kind = try #require(
                        TDVFMetadata.Kind(rawValue: UInt32(section["type"]?.number ?? .max)), "\(entry.name)")
                    return TDVFMetadata.Section(
                        dataOffset: 0, rawSize: 0, address: section["memory_address"]?.number ?? 0,
                        memorySize: section["memory_data_size"]?.number ?? 0, kind: kind, attributes: 0,
                        recordOffset: 0)
                })
        }
        func block(_ mebibytes: UInt64) throws -> [UInt8] {
            try TDHandoffBlock(memory: mebibytes << 20, metadata: metadata).measuredBytes
        }
        if let memory = entry.parameters["memory_mib"]?.number {
            let bytes = try block(memory)
            entry.expect("sha384", Digest.of(bytes, .sha384).hex)
            if let list = entry.expected["hob_list_hex"]?.text { #expect(list.hasPrefix(bytes.hex)) }
        }
        if case .object(let members)? = entry.expected["sha384_by_memory_mib"] {
            for member in members {
                let bytes = try block(try #require(parseInteger(member.key).map { UInt64($0) }))
                #expect(member.node.value.text == Digest.of(bytes, .sha384).hex, "\(entry.name): \(member.key) MiB")
            }
        }
    }
}

@Suite("TDX known answers: images and kernels", .enabled(if: Outside.vectors != nil, given)) struct TDXImageVectorTests
{
    @Test("the Authenticode digest", arguments: present("pe-authenticode-sha384"))
    func digest(_ entry: TDXVectors.Case) throws {
        let bytes = try entry.inputs["pe"] != nil ? entry.input("pe") : entry.packaged()
        entry.expect("sha384", try Authenticode.digest(PEImage(bytes, name: entry.name), algorithm: .sha384).hex)
    }

    @Test("an image that must be refused", arguments: present("pe-parse-error"))
    func refused(_ entry: TDXVectors.Case) throws {
        let bytes = try entry.input("pe")
        #expect(throws: FormatError.self) {
            try Authenticode.digest(PEImage(bytes, name: entry.name), algorithm: .sha384)
        }
    }

    @Test("QEMU's changes to the setup header", arguments: present("kernel-patch"))
    func patch(_ entry: TDXVectors.Case) throws {
        let kernel = try entry.input("kernel")
        let header = try kernel.withReader(source: entry.name) { reader throws(FormatError) in
            try LinuxBootHeader(parsing: &reader)
        }
        let size = entry.parameters["initrd_size"]?.number.map { UInt32($0) }
        let memory = (entry.parameters["memory_mib"]?.number ?? 0) << 20
        let line = Array((entry.parameters["cmdline"]?.text ?? "").utf8)
        let changes = try #require(
            header.patch(commandLine: line, initrdSize: size, machine: .init(memory: memory)))
        var patched = kernel
        for change in changes {
            patched.replaceSubrange(change.offset..<change.offset + change.bytes.count, with: change.bytes)
        }
        entry.expect("patched_file_sha384", Digest.of(patched, .sha384).hex)
        if let size, let address = entry.expected["initrd_load_address"]?.number {
            #expect(header.initrdAddress(size: size, machine: .init(memory: memory)).map { UInt64($0) } == address)
        }
        func measured(_ kind: KernelHeader) throws -> String? {
            var contents = EventContents(algorithms: [.sha384])
            contents.add("vmlinuz", ByteSource(kernel, name: "vmlinuz"))
            var boot = BootEvents(contents: contents)
            try boot.directKernel(kind)
            return boot.events.last?.digest(.sha384)?.hex
        }
        #expect(try measured(.asGiven) == entry.expected["unpatched_authenticode_sha384"]?.text)
        let kind = try KernelHeader.patched(
            ByteSource(kernel, name: "vmlinuz"), commandLine: line, initrdSize: size.map { Int($0) },
            memory: .init(memory: memory))
        #expect(try measured(kind) == entry.expected["patched_authenticode_sha384"]?.text)
    }

    @Test("the options that a kernel gets", arguments: present("linux-loadoptions-event"))
    func options(_ entry: TDXVectors.Case) throws {
        let expected = try #require(entry.expected["sha384_of_utf16le_with_nul"])
        guard case .object(let members) = expected else { throw TestFailure("no forms in \(entry.name)") }
        for member in members {
            var contents = EventContents(algorithms: [.sha384])
            // The cases give one character a byte. Real firmware was seen to widen every byte of UTF-8 text
            // ("utf8cmd" among the recorded boots), so their é can only be the byte 0xe9.
            let line = try (entry.inputs["cmdline"]?.text ?? "").unicodeScalars.map {
                try #require(UInt8(exactly: $0.value))
            }
            contents.add("cmdline", ByteSource(line, name: "cmdline"))
            if member.key != "no initrd" { contents.add("initrd", ByteSource([1], name: "initrd")) }
            var boot = BootEvents(contents: contents)
            try boot.directKernelStub(initrdWord: member.key.hasPrefix("edk2<=") ? .after : .before)
            #expect(boot.events.first?.digest(.sha384)?.hex == member.node.value.text, "\(entry.name): \(member.key)")
        }
    }
}

@Suite("TDX known answers: single events", .enabled(if: Outside.vectors != nil, given)) struct TDXEventVectorTests {
    @Test("the digest of an event's bytes", arguments: present("event-digest"))
    func digest(_ entry: TDXVectors.Case) throws {
        let bytes = try #require(entry.inputs["bytes_hex"]?.hexBytes)
        var boot = BootEvents(contents: EventContents(algorithms: [.sha384]))
        try boot.append(entry.name, pcr: 1, .separator, data: bytes, origin: "known answer")
        entry.expect("sha384", try #require(boot.events.first?.digest(.sha384)).hex)
        if entry.name.contains("SecureBoot") || entry.name.hasSuffix("-absent") {
            let variable = try bytes.withReader(source: entry.name) { reader throws(FormatError) in
                try UEFIVariableData(parsing: &reader)
            }
            #expect(variable.encoded == bytes)
        }
    }

    @Test("a partition table", arguments: present("gpt-event"))
    func partitions(_ entry: TDXVectors.Case) throws {
        let bytes = try #require(entry.inputs["event_data_hex"]?.hexBytes)
        let event = try bytes.withReader(source: entry.name) { reader throws(FormatError) in
            try GPTEvent(parsing: &reader)
        }
        entry.expect("sha384", Digest.of(event.encoded, .sha384).hex)
        #expect(entry.expected["n_partitions"]?.number == UInt64(event.entries.count))
    }

    @Test("secure boot variables of a firmware's store", arguments: present("secure-boot-variable-events"))
    func secureBoot(_ entry: TDXVectors.Case) throws {
        let image = try entry.packaged()
        let store = try image.withReader(source: entry.name) { reader throws(FormatError) in
            try VariableStore(parsing: &reader)
        }
        guard case .object(let members)? = entry.expected["secureboot_on"] else { throw TestFailure(entry.name) }
        let digests = try BootEventsProbe.secureBoot(store, .on)
        for member in members {
            #expect(digests[member.key] == member.node.value.text, "\(entry.name): \(member.key)")
        }
        // Keys are there, so a build with secure boot switches it on.
        #expect(SecureBootValue(store, built: true) == .on)
    }

    @Test("a boot option or the boot order", arguments: present("boot-variable-event"))
    func bootVariable(_ entry: TDXVectors.Case) throws {
        let inputs = entry.inputs
        let value: [UInt8]
        if inputs["variable"]?.text == "BootOrder" {
            var writer = ByteWriter()
            for number in inputs["order"]?.items ?? [] { writer.append(UInt16(number.number ?? 0)) }
            value = writer.bytes
        } else {
            let path = try #require(inputs["device_path_hex"]?.hexBytes)
            let nodes = try path.withReader(source: entry.name) { reader throws(FormatError) in
                try DevicePath(parsing: &reader)
            }
            value =
                LoadOption(
                    attributes: UInt32(inputs["attributes"]?.number ?? 0),
                    description: inputs["description"]?.text ?? "", path: nodes,
                    optionalData: inputs["optional_data_hex"]?.hexBytes ?? []
                ).encoded
        }
        entry.expect("variable_data_hex", value.hex)
        entry.expect("sha384", Digest.of(value, .sha384).hex)
    }

    @Test("the SMBIOS event", arguments: present("smbios-event"))
    func smbios(_ entry: TDXVectors.Case) throws {
        let blob = try #require(entry.inputs["qemu_smbios_tables_hex"]?.hexBytes)
        let firmware = entry.inputs["firmware"] ?? .null
        let table = try InstalledTables.smbios(
            [InstalledTables.smbiosBlob: blob],
            identity: .init(
                vendor: firmware["vendor"]?.text ?? "", version: firmware["version"]?.text ?? "",
                date: firmware["date"]?.text ?? ""))
        #expect(entry.expected["table_length"]?.number == UInt64(table.encoded.count))
        entry.expect("table_sha256", Digest.of(table.encoded, .sha256).hex)
        entry.expect("event_sha384", Digest.of(table.measuredBytes, .sha384).hex)
    }

    @Test("table loader and root pointer derived from the tables", arguments: present("acpi-loader-derive"))
    func loader(_ entry: TDXVectors.Case) throws {
        let tables = try ACPITables(try entry.input("tables"), source: entry.name)
        entry.expect("tables_sha384", Digest.of(tables.encoded, .sha384).hex)
        try expectLinks(entry, tables)
        let places = tables.placed.map { Place($0.table.signature, $0.offset, $0.table.bytes.count) }
        #expect(places == (try layout(entry.expected["layout"])))
    }

    @Test("table loader and root pointer derived from a layout", arguments: present("acpi-loader-from-layout"))
    func loaderFromLayout(_ entry: TDXVectors.Case) throws {
        let places = try layout(entry.inputs["layout"])
        let tables = ACPITables(
            tables: places.map { place in
                var bytes = [UInt8](repeating: 0, count: place.byteCount)
                bytes.replaceSubrange(10..<16, with: Array("BOCHS ".utf8))
                return ACPITable(signature: place.signature, bytes: bytes)
            })
        #expect(tables.placed.map(\.offset) == places.map(\.offset))
        try expectLinks(entry, tables)
    }

    private func expectLinks(_ entry: TDXVectors.Case, _ tables: ACPITables) throws {
        let script = try LinkerScript(linking: tables).encoded
        #expect(script.count == 4096)
        entry.expect("loader_sha384", Digest.of(script, .sha384).hex)
        entry.expect("rsdp_sha384", Digest.of(try ACPIRootPointer.encoded(for: tables), .sha384).hex)
    }

    private struct Place: Equatable {
        var signature: String
        var offset, byteCount: Int

        init(_ signature: String, _ offset: Int, _ byteCount: Int) {
            self.signature = signature
            self.offset = offset
            self.byteCount = byteCount
        }
    }

    private func layout(_ list: Value?) throws -> [Place] {
        try (list?.items ?? []).map { row in
            let fields = row.items
            guard fields.count == 3, let name = fields[0].text, let offset = fields[1].number,
                let count = fields[2].number, count >= 16
            else { throw TestFailure("a layout's row") }
            return Place(name, Int(offset), Int(count))
        }
    }
}
