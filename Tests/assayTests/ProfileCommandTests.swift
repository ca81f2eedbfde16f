import Bytes
import Documents
import Files
import TestSupport
import Testing

/// The QEMU that the shipped vTPM profile pins, where `ci/qemu-root` has unpacked it.
private let pinnedQEMU =
    FileSystem.environment("ASSAY_QEMU_ROOT").map { $0 + "/qemu" } ?? "/var/cache/assay/qemu-trixie/qemu"
private let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
private let platforms = root + "/measurements/platforms"

@Suite("assay profile", .serialized) struct ProfileCommandTests {
    /// A copy of the shipped vTPM profile that a test may change.
    private func copy(_ folder: TemporaryFolder) throws -> String {
        let from = platforms + "/qemu-vtpm-ovmf-2026.08"
        for file in try FileSystem.filesBelow(from) {
            try folder.write("p/" + file, InputFile.contents(of: from + "/" + file))
        }
        return folder.file("p")
    }

    @Test(
        "the shipped vTPM profile's tables are those of the pinned QEMU",
        .enabled(if: Outside.has(pinnedQEMU) && Outside.has("swtpm"), "the pinned QEMU or swtpm is not here"))
    func shipped() throws {
        let result = try BuiltProgram.run(
            "profile", "check", platforms + "/qemu-vtpm-ovmf-2026.08", "--qemu", pinnedQEMU, "--json")
        #expect(result.status == 0, "\(result.outputText)\(result.errorText)")
        let document = try JSONReader.parse(result.output, source: "output").value
        #expect(document["sameBuild"] == .bool(true) && document["differences"] == .array([]))
    }

    @Test(
        "capturing again changes no byte of the profile, and another machine is named with its difference",
        .enabled(if: Outside.has(pinnedQEMU) && Outside.has("swtpm"), "the pinned QEMU or swtpm is not here"))
    func capture() throws {
        let folder = try TemporaryFolder()
        let path = try copy(folder)
        let before = try InputFile.contents(of: path + "/profile.yaml")
        let again = try BuiltProgram.run("profile", "capture", path, "--qemu", pinnedQEMU)
        #expect(again.status == 0, "\(again.errorText)")
        #expect(try InputFile.contents(of: path + "/profile.yaml") == before)
        let text = String(decoding: before, as: UTF8.self).split(separator: "- 1536M", omittingEmptySubsequences: false)
        try folder.write("p/profile.yaml", Array(text.joined(separator: "- 1G").utf8))
        let other = try BuiltProgram.run("profile", "check", path, "--qemu", pinnedQEMU)
        #expect(other.status == 1)
        #expect(other.outputText.contains("etc/acpi/tables+") && other.outputText.contains("(DSDT+"))
        #expect(other.outputText.contains("etc/smbios/smbios-tables"))
    }

    @Test(
        "another build of QEMU is no verdict",
        .enabled(if: Outside.has("qemu-system-x86_64") && Outside.has("dpkg-query"), "QEMU or dpkg is not installed"))
    func otherBuild() throws {
        let folder = try TemporaryFolder()
        let path = try copy(folder)
        let text = String(decoding: try InputFile.contents(of: path + "/profile.yaml"), as: UTF8.self)
        let parts = text.split(separator: "programSHA256: \"", omittingEmptySubsequences: false)
        let changed = parts[0] + "programSHA256: \"" + String(repeating: "0", count: 64) + parts[1].dropFirst(64)
        try folder.write("p/profile.yaml", Array(changed.utf8))
        let result = try BuiltProgram.run("profile", "check", path)
        #expect(result.status == 3)
        #expect(result.errorText.contains("pins blobs of qemu-system-x86") && result.errorText.contains("hint:"))
    }

    @Test("a profile without tables, and a QEMU that is not there, are refused") func refused() throws {
        let snp = try BuiltProgram.run("profile", "check", platforms + "/qemu-snp-amdsev-2026.08")
        #expect(snp.status == 2 && snp.errorText.contains("SNP profile pins no tables"))
        let missing = try BuiltProgram.run(
            "profile", "check", platforms + "/qemu-vtpm-ovmf-2026.08", "--qemu", "/nowhere/qemu")
        #expect(missing.status == 3 && missing.errorText.contains("/nowhere/qemu"))
    }
}

@Suite("assay eventlog") struct EventLogCommandTests {
    /// Header for SHA-256 and one action in PCR 4.
    private func log() throws -> [UInt8] {
        var log = ByteWriter()
        log.append([UInt8](hex: "0000000003000000" + String(repeating: "00", count: 20)) ?? [])
        log.append(UInt32(33))
        log.append(text: "Spec ID Event03\0")
        log.append([UInt8](hex: "000000000002000201000000" + "0b002000" + "00") ?? [])
        log.append([UInt8](hex: "04000000" + "07000080" + "01000000" + "0b00") ?? [])
        log.append([UInt8](repeating: 0xAB, count: 32))
        log.append(UInt32(5))
        log.append(text: "a\u{1B}[2J")
        return log.bytes
    }

    @Test("events, digests and register values, with nothing that a terminal obeys") func show() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("log", log())
        let text = try BuiltProgram.run("eventlog", "show", file)
        #expect(text.status == 0, "\(text.errorText)")
        #expect(text.outputText.hasPrefix("PCR4 EV_EFI_ACTION abababababababab… a?[2J\nPCR4.sha256 "))
        let json = try BuiltProgram.run("eventlog", "show", file, "--json", "--kind", "tdx")
        let document = try JSONReader.parse(json.output, source: "output").value
        #expect(document["registersOf"] == .string("tdx"))
        guard case .array(let events) = document["events"] else { return #expect(Bool(false), "no events") }
        #expect(events[0].value["register"] == .string("RTMR3"))
    }

    @Test("a file that is no log is refused with its place") func refused() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("log", [UInt8](repeating: 7, count: 100))
        let result = try BuiltProgram.run("eventlog", "show", file)
        #expect(result.status == 2 && result.errorText.contains("TCG_PCClientPCREvent.eventType"))
    }
}
