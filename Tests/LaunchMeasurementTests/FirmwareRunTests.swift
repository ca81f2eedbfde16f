import Bytes
import Documents
import EventLogs
import Files
import Firmware
import Hashing
import TestSupport
import Testing

@testable import LaunchMeasurement

/// The recorded boots of `ASSAY_VECTORS`, with inputs from the packages of `ASSAY_POOL`.
struct RecordedRun {
    let name: String
    let run: Value
    let folder = (Outside.vectors ?? "") + "/firmware-runs"

    init(_ name: String) throws {
        self.name = name
        run = try JSONReader.parse(
            InputFile.contents(of: folder + "/runs/" + name + ".json"), source: name, mode: .foreign
        ).value
    }

    func text(_ value: Value?) -> String { if case .string(let text) = value { text } else { "" } }

    func file(_ name: String) throws -> [UInt8] {
        try InputFile.contents(of: folder + "/blobs/" + text(run["files"]?[name]?["sha256"]))
    }

    func log() throws -> EventLog {
        try file("eventlog").withReader(source: name) { reader throws(FormatError) in
            try EventLog(parsing: &reader, registers: .tpm)
        }
    }

    /// An input by its role: from a package, from the recording, or put together by its recipe.
    func input(_ role: String) throws -> [UInt8] { try inputs(named: text(run["inputs"]?[role])) }

    private func inputs(named name: String) throws -> [UInt8] {
        let index = try JSONReader.parse(
            InputFile.contents(of: folder + "/index.json"), source: "index.json", mode: .foreign
        ).value
        guard let entry = index["inputs"]?[name], let from = entry["from"] else {
            throw TestFailure("no input \(name)")
        }
        if from["package"] != nil {
            return try PoolPackage(text(from["package"]), version: text(from["version"])).contents(text(from["path"]))
        }
        guard from["recipe"] != nil else {
            return try InputFile.contents(of: folder + "/blobs/" + text(entry["sha256"]))
        }
        return try assemble(text(from["recipe"]))
    }

    private func assemble(_ recipe: String) throws -> [UInt8] {
        let value = try JSONReader.parse(
            InputFile.contents(of: folder + "/" + recipe), source: recipe, mode: .foreign
        ).value
        let literal = try InputFile.contents(of: folder + "/blobs/" + text(value["literal"]))
        guard case .array(let segments) = value["segments"] else { throw TestFailure("no segments in \(recipe)") }
        var bytes: [UInt8] = []
        for segment in segments.map(\.value) {
            func number(_ value: Value?) -> Int { if case .integer(let number) = value { Int(number) } else { 0 } }
            if let zero = segment["zero"] {
                bytes += [UInt8](repeating: 0, count: number(zero))
            } else if case .array(let range) = segment["literal"] {
                let start = number(range[0].value)
                bytes += literal[start..<start + number(range[1].value)]
            } else {
                let start = number(segment["offset"])
                bytes += try inputs(named: text(segment["source"]))[start..<start + number(segment["length"])]
            }
        }
        return bytes
    }

    /// The boot options that the operating system saw: the variables that follow from BootOrder.
    func bootOptions() throws -> BootOptions {
        func variable(_ name: String) -> [UInt8] {
            Array(
                ([UInt8](hex: text(run["efivars"]?[name + "-8be4df61-93ca-11d2-aa0d-00e098032b8c"])) ?? []).dropFirst(4)
            )
        }
        let order = variable("BootOrder")
        let numbers = stride(from: 0, to: order.count, by: 2).map { UInt16(order[$0]) | UInt16(order[$0 + 1]) << 8 }
        let options = try numbers.map { number in
            let bytes = variable("Boot000\(number)")
            let option = try bytes.withReader(source: "Boot000\(number)") { reader throws(FormatError) in
                try LoadOption(parsing: &reader)
            }
            #expect(option.encoded == bytes)
            return BootOptions.Option(number: number, loadOption: option)
        }
        return BootOptions(order: numbers, options: options, origin: "recorded")
    }
}

/// Digests of single events, for tests.
enum BootEventsProbe {
    static func secureBoot(_ store: VariableStore, _ value: SecureBootValue) throws -> [String: String] {
        var boot = BootEvents(contents: EventContents(algorithms: [.sha384]))
        try boot.secureBootVariables(store, secureBoot: value)
        var digests: [String: String] = [:]
        for event in boot.events where event.type == .variableDriverConfig {
            digests[String(event.name.dropFirst("variable ".count))] = event.digest(.sha384)?.hex
        }
        return digests
    }
}

@Suite(
    "Recorded boots of real firmware",
    .enabled(if: Outside.vectors != nil && PoolPackage.available, "ASSAY_VECTORS or ASSAY_POOL is not set"))
struct FirmwareRunTests {
    private let algorithms: [HashAlgorithm] = [.sha1, .sha256, .sha384]

    private func contents(_ recorded: RecordedRun) throws -> EventContents {
        var contents = EventContents(algorithms: algorithms)
        for name in ["etc/table-loader", "etc/acpi/rsdp", "etc/acpi/tables", "etc/tpm/log"] {
            contents.add(name, ByteSource(try recorded.file("fw_cfg/" + name), name: name))
        }
        return contents
    }

    /// What every boot has before its kernel: PCR 0 events of both firmwares are compared where the volumes are packed.
    private func start(_ recorded: RecordedRun, _ contents: EventContents, version: String) throws -> BootEvents {
        var contents = contents
        let code = try recorded.input("code")
        let volumes = try MeasuredVolumes(
            FirmwareVolumes.unpack(code, source: "code.fd"), firmware: "code.fd", contents: &contents)
        var boot = BootEvents(contents: contents)
        try boot.firmwareVolumes(volumes, version: version)
        try boot.secureBootVariables(VariableStore(variables: []), secureBoot: .absent)
        try boot.acpiBlobs()
        return boot
    }

    private func smbios(_ recorded: RecordedRun) throws -> SMBIOSTable {
        try InstalledTables.smbios(
            [InstalledTables.smbiosBlob: recorded.file("fw_cfg/etc/smbios/smbios-tables")],
            identity: .init(vendor: "Debian distribution of EDK II", version: "2026.08+ds-2", date: "09/26/2026"))
    }

    /// Requires the recorded log to be the predicted one; gives the number of events that match.
    private func compare(_ boot: BootEvents, _ recorded: RecordedRun, unpredicted: Set<Int> = []) throws -> Int {
        let log = try recorded.log()
        #expect(log.records.count == boot.events.count, "\(recorded.name)")
        var matched = 0
        for (index, (record, event)) in zip(log.records, boot.events).enumerated() where !unpredicted.contains(index) {
            let whereAbouts = "\(recorded.name) event \(index): \(event.name)"
            #expect(record.register == event.pcr && record.type == event.type, "\(whereAbouts)")
            for algorithm in algorithms {
                #expect(record.digest(algorithm) == event.digest(algorithm), "\(whereAbouts)")
            }
            if let data = event.data { #expect(record.data == data, "\(whereAbouts)") }
            matched += 1
        }
        return matched
    }

    @Test(
        "a direct kernel boot: every event in every bank",
        arguments: ["direct-q11-f26-k612", "direct-q11-f26-k612-smp2-1G", "utf8cmd-q11-f26-k612"])
    func direct(_ name: String) throws {
        let recorded = try RecordedRun(name)
        var contents = try contents(recorded)
        contents.add("vmlinuz", ByteSource(try recorded.input("kernel"), name: "vmlinuz"))
        contents.add("initrd", ByteSource(try recorded.input("initrd"), name: "initrd"))
        contents.add("cmdline", ByteSource(Array(recorded.text(recorded.run["append"]).utf8), name: "cmdline"))
        var boot = try start(recorded, contents, version: "2026.08+ds-2")
        try boot.directKernel()
        try boot.smbios(smbios(recorded), origin: "test")
        try boot.bootVariables(recorded.bootOptions())
        try boot.readyToBoot(separators: Array(0...6))
        try boot.directKernelStub(initrdWord: .before)
        try boot.exitBootServices(.first)
        #expect(try compare(boot, recorded) == 30)
    }

    @Test(
        "older firmware puts the initrd's word last and measures no SMBIOS",
        arguments: ["direct-q10-f25-k612-smp2-2G", "longcmd-q10-f25-k612"])
    func olderDirect(_ name: String) throws {
        let recorded = try RecordedRun(name)
        var contents = try contents(recorded)
        contents.add("vmlinuz", ByteSource(try recorded.input("kernel"), name: "vmlinuz"))
        contents.add("initrd", ByteSource(try recorded.input("initrd"), name: "initrd"))
        contents.add("cmdline", ByteSource(Array(recorded.text(recorded.run["append"]).utf8), name: "cmdline"))
        var boot = try start(recorded, contents, version: "2025.02-8+deb13u1")
        try boot.directKernel()
        try boot.bootVariables(recorded.bootOptions())
        try boot.readyToBoot(separators: Array(0...6))
        try boot.directKernelStub(initrdWord: .after)
        try boot.exitBootServices(.first)
        // Event 1 is the PEI volume, which runs from memory in this build and has changed itself by then.
        #expect(try compare(boot, recorded, unpredicted: [1]) == 27)
    }

    @Test("a unified kernel image from disk with stub 257: every event in every bank") func unifiedKernel() throws {
        let recorded = try RecordedRun("uki-q10-f25-s257")
        var contents = try contents(recorded)
        contents.add("uki.efi", ByteSource(try recorded.input("uki"), name: "uki.efi"))
        contents.add("disk.raw", ByteSource(try recorded.input("disk0"), name: "disk.raw"))
        var boot = try start(recorded, contents, version: "2025.02-8+deb13u1")
        try boot.bootVariables(recorded.bootOptions())
        try boot.readyToBoot(separators: Array(0...6))
        try boot.partitionTable("disk.raw")
        try boot.unifiedKernel(
            "uki.efi",
            stub: StubRules(
                sections: [".linux", ".osrel", ".cmdline", ".initrd", ".uname", ".sbat"], innerImage: .measured,
                initrd: .withOSRelease))
        try boot.exitBootServices(.first)
        #expect(try compare(boot, recorded, unpredicted: [1]) == 43)
        let log = boot.events.log(.tpm, algorithms: algorithms)
        let values = try log.replay(.sha256)
        for pcr in UInt32(1)...9 where pcr != 8 {
            #expect(values[pcr]?.hex == recorded.text(recorded.run["pcrs"]?["sha256"]?["\(pcr)"]), "PCR\(pcr)")
        }
    }

    @Test("RTMR1 and RTMR2 are the projections of the recorded log") func projection() throws {
        let recorded = try RecordedRun("direct-q11-f26-k612")
        var contents = EventContents(algorithms: [.sha384])
        contents.add("vmlinuz", ByteSource(try recorded.input("kernel"), name: "vmlinuz"))
        contents.add("initrd", ByteSource(try recorded.input("initrd"), name: "initrd"))
        contents.add("cmdline", ByteSource(Array(recorded.text(recorded.run["append"]).utf8), name: "cmdline"))
        var boot = BootEvents(contents: contents)
        try boot.directKernel()
        try boot.readyToBoot(separators: [5])
        try boot.directKernelStub(initrdWord: .before)
        try boot.exitBootServices(.first)
        let values = try boot.events.log(.tdx, algorithms: [.sha384]).replay(.sha384)
        for (index, key) in [(UInt32(2), "rtmr1"), (3, "rtmr2")] {
            #expect(values[index]?.hex == recorded.text(recorded.run["rtmr_projection"]?[key]?["value"]), "\(key)")
        }
    }
}
