import Bytes
import DiskFormats
import Documents
import EventLogs
import Files
import Hashing
import TestSupport
import Testing

@testable import LaunchMeasurement

private func registers(_ events: [MeasuredEvent]) throws -> [UInt32: Digest] {
    try events.log(.tdx, algorithms: [.sha384]).replay(.sha384)
}

private func available(_ kind: String) -> [TDXVectors.Case] {
    TDXVectors.of(kind).filter { PoolPackage.available || $0.packages.isEmpty }
}

@Suite("TDX known answers: whole boots", .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
struct TDXBootVectorTests {
    private func check(_ events: [MeasuredEvent], _ expected: [Value], _ name: String) {
        #expect(events.count == expected.count, "\(name)")
        for (event, value) in zip(events, expected) {
            #expect(event.digest(.sha384)?.hex == value["sha384"]?.text, "\(name): \(event.name)")
        }
    }

    @Test("the sections of a unified kernel image", arguments: available("uki-events"))
    func sections(_ entry: TDXVectors.Case) throws {
        var contents = EventContents(algorithms: [.sha384])
        contents.add("uki.efi", ByteSource(try entry.input("uki"), name: "uki.efi"))
        var boot = BootEvents(contents: contents)
        let version = Int(try #require(entry.parameters["stub_version"]?.number))
        try boot.unifiedKernel("uki.efi", stub: try #require(StubRules(version: version)))
        let image = try #require(boot.events.first)
        entry.expect("pe_authenticode_sha384", try #require(image.digest(.sha384)).hex)
        let sections = boot.events.filter { $0.pcr == 11 }
        check(sections, entry.expected["section_events"]?.items ?? [], entry.name)
        entry.expect("rtmr2_after_section_events", try #require(registers(sections)[3]).hex)
    }

    @Test("RTMR2 of a unified kernel image given by its sections", arguments: available("rtmr2-predict"))
    func secondRegister(_ entry: TDXVectors.Case) throws {
        var file = PEFile()
        if let linux = entry.inputs["linux"] {
            file.sections.append(.init(name: ".linux", data: try entry.packaged(linux)))
        }
        guard case .object(let members)? = entry.inputs["sections_hex"] else { throw TestFailure(entry.name) }
        for member in members {
            file.sections.append(.init(name: member.key, data: try #require(member.node.value.hexBytes)))
        }
        if let list = entry.inputs["sbat_hex"]?.hexBytes { file.sections.append(.init(name: ".sbat", data: list)) }
        var contents = EventContents(algorithms: [.sha384])
        contents.add("uki.efi", ByteSource(file.bytes, name: "uki.efi"))
        var boot = BootEvents(contents: contents)
        let version = Int(try #require(entry.parameters["stub_version"]?.number))
        try boot.unifiedKernel("uki.efi", stub: try #require(StubRules(version: version)))
        let measured = boot.events.filter { TDRegister.index(pcr: $0.pcr) == 3 }
        check(measured, entry.expected["events"]?.items ?? [], entry.name)
        entry.expect("rtmr2", try #require(registers(boot.events)[3]).hex)
        let nested = boot.events.filter { $0.pcr == 4 }.dropFirst().first?.digest(.sha384)?.hex
        #expect(entry.expected["nested_kernel_pe_event_in_rtmr1"]?.text == nested)
    }

    @Test("a direct boot", arguments: available("direct-boot-predict"))
    func direct(_ entry: TDXVectors.Case) throws {
        let kernel = try entry.input("kernel")
        let initrd = try initrd(entry)
        let line = Array((entry.inputs["cmdline"]?.text ?? "").utf8)
        var contents = EventContents(algorithms: [.sha384])
        contents.add("vmlinuz", ByteSource(kernel, name: "vmlinuz"))
        contents.add("cmdline", ByteSource(line, name: "cmdline"))
        if let initrd { contents.add("initrd", ByteSource(initrd, name: "initrd")) }
        let firmware = EventLayout(release: try release(entry))
        var header = KernelHeader.asGiven
        if firmware.headerIsPatched(qemu: try #require(version(entry.parameters["qemu"]?.text)), confidential: false) {
            header = try .patched(
                ByteSource(kernel, name: "vmlinuz"), commandLine: line, initrdSize: initrd?.count,
                memory: .init(memory: (entry.parameters["memory_mib"]?.number ?? 0) << 20))
        }
        var boot = BootEvents(contents: contents)
        try boot.directKernel(header)
        try boot.readyToBoot(separators: [5])
        try boot.directKernelStub(initrdWord: firmware.initrdWord)
        try boot.exitBootServices(.first)
        func digest(_ pcr: UInt32, _ index: Int = 0) -> String? {
            boot.events.filter { $0.pcr == pcr }.dropFirst(index).first?.digest(.sha384)?.hex
        }
        #expect(entry.expected["kernel_event_sha384"]?.text == digest(4))
        #expect(entry.expected["load_options_sha384"]?.text == digest(9))
        if initrd != nil { #expect(entry.expected["initrd_sha384"]?.text == digest(9, 1)) }
        let values = try registers(boot.events)
        entry.expect("rtmr2", try #require(values[3]).hex)
        entry.expect("rtmr1_if_separator_in_rtmr1", try #require(values[2]).hex)
    }

    /// `ovmf 2025.02-8+deb13u1` as an edk2 release.
    private func release(_ entry: TDXVectors.Case) throws -> Int {
        let words = (entry.parameters["firmware"]?.text ?? "").split(separator: " ")
        let digits = (words.last ?? "").prefix(7).filter { $0 != "." }
        return try #require(Int(digits), "\(entry.name)")
    }

    /// The first two parts of a version.
    private func version(_ text: String?) -> QEMUVersion? { text.flatMap { QEMUVersion($0) } }

    /// `100000 zero bytes`, or a file.
    private func initrd(_ entry: TDXVectors.Case) throws -> [UInt8]? {
        guard let text = entry.inputs["initrd"]?.text else { return nil }
        let words = text.split(separator: " ")
        guard words.dropFirst() == ["zero", "bytes"], let count = words.first.flatMap({ Int($0) }) else {
            throw TestFailure("\(entry.name): initrd '\(text)'")
        }
        return [UInt8](repeating: 0, count: count)
    }
}
