import Bytes
import Documents
import EventLogs
import Files
import Firmware
import Hashing
import TestSupport
import Testing

@testable import LaunchMeasurement

@Suite(
    "Recorded boots predicted from their inputs alone",
    .enabled(if: Outside.vectors != nil && PoolPackage.available, "ASSAY_VECTORS or ASSAY_POOL is not set"))
struct MachineBootRunTests {
    private static let algorithms: [HashAlgorithm] = [.sha1, .sha256, .sha384]

    private static let names: [String] = {
        let folder = (Outside.vectors ?? "") + "/firmware-runs/runs"
        return ((try? FileSystem.list(folder)) ?? []).filter { $0.hasSuffix(".json") }.map {
            String($0.dropLast(".json".count))
        }.sorted()
    }()

    private func boot(_ recorded: RecordedRun) throws -> MachineBoot {
        let inputs = recorded.run["inputs"]
        let code = try recorded.input("code")
        let volumes = try FirmwareVolumes.unpack(code, source: "code.fd")
        let traits = try FirmwareTraits(volumes: volumes, image: code, source: "code.fd")
        let layout = EventLayout(traits)
        var contents = EventContents(algorithms: Self.algorithms)
        func add(_ role: String, _ name: String) throws {
            if inputs?[role] != nil { contents.add(name, ByteSource(try recorded.input(role), name: name)) }
        }
        try add("kernel", "vmlinuz")
        try add("initrd", "initrd")
        try add("uki", "uki.efi")
        if inputs?["uki"] != nil { try add("disk0", "disk.raw") }
        try add("rom-pe", "option-rom")
        let line = Array(recorded.text(recorded.run["append"]).utf8)
        if recorded.run["append"]?.text != nil { contents.add("cmdline", ByteSource(line, name: "cmdline")) }
        var start = MachineBoot.Start.disk
        if inputs?["kernel"] != nil {
            let kernel = try contents.source("vmlinuz")
            let version = try #require(QEMUVersion(recorded.text(recorded.run["qemu"]?["package_version"])))
            start =
                inputs?["initrd"] == nil
                ? .unifiedKernel
                : .kernel(
                    layout.headerIsPatched(qemu: version, confidential: false)
                        ? try .patched(
                            kernel, commandLine: line, initrdSize: contents.source("initrd").count,
                            memory: .init(
                                memory: UInt64(try #require(parseByteCount(recorded.text(recorded.run["mem"]))))))
                        : .asGiven)
        }
        let variables = try recorded.input("vars").withReader(source: "vars.fd") { reader throws(FormatError) in
            try VariableStore(parsing: &reader)
        }
        var items: [String: [UInt8]] = [:]
        for name in [
            "etc/table-loader", "etc/acpi/rsdp", "etc/acpi/tables", "etc/tpm/log", "bootorder",
            InstalledTables.smbiosBlob,
        ] where recorded.run["files"]?["fw_cfg/" + name] != nil {
            items[name] = try recorded.file("fw_cfg/" + name)
        }
        var boot = MachineBoot(
            platform: .tpm, layout: layout, traits: traits, variables: variables, start: start, items: items,
            contents: contents)
        try boot.addVolumes(volumes, firmware: "code.fd")
        boot.disks = [.init()]
        boot.smbios = try? InstalledTables.smbios(items, identity: traits.identity)
        if contents.has("option-rom") { boot.optionROMs = ["option-rom"] }
        return boot
    }

    @Test("every event that can be told, and every register", arguments: names)
    func predicted(_ name: String) throws {
        let recorded = try RecordedRun(name)
        // Machines without a TPM leave no log; their tables are checked against what QEMU's rules derive.
        guard recorded.run["files"]?["eventlog"] != nil else {
            guard recorded.run["files"]?["fw_cfg/etc/acpi/tables"] != nil else { return }
            let tables = try ACPITables(try recorded.file("fw_cfg/etc/acpi/tables"), source: name)
            #expect(try LinkerScript(linking: tables).encoded == recorded.file("fw_cfg/etc/table-loader"))
            #expect(try ACPIRootPointer.encoded(for: tables) == recorded.file("fw_cfg/etc/acpi/rsdp"))
            return
        }
        let boot = try boot(recorded)
        let prediction = try BootPrediction(boot, exit: boot.usualExit)
        for register in prediction.registers {
            let parts = register.name.dropFirst(3).split(separator: ".")
            guard parts.count == 2, parts[0] != "10" else { continue }
            let found = recorded.text(recorded.run["pcrs"]?[String(parts[1])]?[String(parts[0])])
            #expect(register.digest.hex == found, "\(name): \(register.name)")
        }
        // Runs without fw_cfg contents cannot be compared event by event.
        guard boot.contents.has("etc/table-loader") || !boot.layout.measuresACPI else { return }
        let log = try recorded.log()
        #expect(log.records.count == prediction.events.count, "\(name)")
        for (record, event) in zip(log.records, prediction.events) {
            #expect(record.register == event.pcr && record.type == event.type, "\(name): \(event.name)")
            for algorithm in Self.algorithms where !event.digests.isEmpty {
                #expect(record.digest(algorithm) == event.digest(algorithm), "\(name): \(event.name)")
            }
            if let data = event.data { #expect(record.data == data, "\(name): \(event.name)") }
        }
        let allowed = boot.layout.peiVolumeIsUnchanged ? [] : ["PEI volume"]
        #expect(prediction.events.filter { $0.digests.isEmpty }.map(\.name) == allowed, "\(name)")
    }
}
